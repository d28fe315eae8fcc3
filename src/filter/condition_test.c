/* SPDX-License-Identifier: MIT */
#include "util/test.h"
#include "filter/condition.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* The raw record of sched_switch, with two made-up texts and an odd field behind it. */
struct switch_record {
	uint16_t type;
	uint8_t flags, preempt_count;
	int32_t pid;
	char prev_comm[16];
	int32_t prev_pid, prev_prio;
	int64_t prev_state;
	char next_comm[16];
	int32_t next_pid, next_prio;
	uint8_t small;
	uint8_t pad[3];
	uint32_t where, where_rel;
	char texts[8];
};

static const struct switch_record record = {
	.prev_comm = "swapper/0",
	.prev_pid = -7,
	.prev_prio = 120,
	.prev_state = 0x101,
	.next_comm = "redis-server",
	.next_pid = 1234,
	.next_prio = 99,
	.small = 200,
	.where = offsetof(struct switch_record, texts) | 4 << 16,
	.where_rel = 4 | 4 << 16, /* behind the first text */
	.texts = "abc\0def",
};

#define FIELD(member, sign, what)                                                                  \
	{                                                                                          \
		.name = #member, .at = offsetof(struct switch_record, member),                     \
		.bytes = sizeof(record.member), .is_signed = (sign), .kind = (what)                \
	}

static const struct condition_field fields[] = {
	FIELD(prev_comm, false, CONDITION_TEXT),  FIELD(prev_pid, true, CONDITION_NUMBER),
	FIELD(prev_prio, true, CONDITION_NUMBER), FIELD(prev_state, true, CONDITION_NUMBER),
	FIELD(next_comm, false, CONDITION_TEXT),  FIELD(next_pid, true, CONDITION_NUMBER),
	FIELD(next_prio, true, CONDITION_NUMBER), FIELD(small, false, CONDITION_NUMBER),
	FIELD(where, false, CONDITION_TEXT_LOC),  FIELD(where_rel, false, CONDITION_TEXT_REL),
	FIELD(pad, false, CONDITION_OTHER),
};

static struct condition *create(const char *text)
{
	struct condition *c = NULL;
	struct err e = {0};
	if (condition_create(&c, text, "sched_switch", fields, COUNT(fields), &e))
		fail_msg("%s: %s", text, e.text);
	return c;
}

static void conditions_hold_or_not(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool holds;
	} cases[] = {
		{"prev_prio < 100", false},
		{"prev_prio<=120&&prev_prio>=120", true},
		{"next_comm ~ \"redis*\"", true},
		{"next_comm == \"redis\"", false},
		{"next_comm == 'redis-server'", true},
		{"next_comm != \"redis\"", true},
		{"prev_prio < 100 && next_comm ~ \"redis*\"", false},
		{"prev_prio < 100 || next_comm ~ \"*server\"", true},
		{"prev_pid == -7", true},
		{"prev_pid < 0", true},
		{"prev_pid == 0xfffffff9", true},
		{"small > 127", true},
		{"small == -56", true},
		{"prev_state & 0x100", true},
		{"prev_state & 0x2", false},
		{"!(prev_state & 2) && !next_pid == 5", true},
		{"prev_pid > 0 || prev_pid < -7 || prev_pid == -7", true},
		{"prev_pid > 0 && next_pid > 0 || next_prio == 99", true},
		{"prev_pid > 0 && (next_pid > 0 || next_prio == 99)", false},
		{"where == \"abc\" && where_rel == \"def\"", true},
		{"where ~ '?b?'", true},
		{"common_pid == 4711", true},
	};
	struct prog_input input = {&record, sizeof(record), 4711};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct condition *c = create(cases[i].text);
		uint64_t values[PROG_INSNS_MAX];
		bool holds = prog_run(condition_prog(c), &input, values) != 0;
		condition_destroy(c);
		if (holds != cases[i].holds)
			fail_msg("%s: %s", cases[i].text, holds ? "holds" : "does not hold");
	}
}

static void mistakes_are_told_with_their_column(void **state)
{
	(void)state;
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{"", "column 1: a field of sched_switch is expected here"},
		{"prev_priority < 1", "column 1: sched_switch has no field prev_priority; it has "
				      "prev_comm, prev_pid, prev_prio"},
		{"prev_prio = 1",
		 "column 11: one of == != < <= > >= & ~ is expected after prev_prio"},
		{"prev_prio < \"x\"", "column 13: prev_prio is a number, not a text"},
		{"prev_prio < x", "column 13: a number to compare prev_prio with"},
		{"prev_prio < 1x", "column 14: 'x' does not belong to a number"},
		{"prev_prio < 0x", "column 13: a number to compare prev_prio with"},
		{"small == 256", "column 10: 256 does not fit small, which has 8 bits"},
		{"small == -129", "column 10: -129 does not fit small"},
		{"prev_state > 99999999999999999999", "does not fit prev_state, which has 64 bits"},
		{"next_comm == redis",
		 "column 14: next_comm is a text; write what to compare it with in"},
		{"next_comm < \"a\"", "column 11: next_comm is a text; '<' does not compare those"},
		{"prev_pid ~ \"a\"", "column 10: prev_pid is a number; '~' does not compare those"},
		{"next_comm == \"a", "column 14: the text that begins here has no closing quote"},
		{"next_comm ~ '"
		 "0123456789012345678901234567890123456789012345678901234567890123"
		 "'",
		 "column 13: the text is too long"},
		{"prev_pid < 1 next_pid", "column 14: && or || is expected here"},
		{"(prev_pid < 1", "column 1: the parenthesis that opens here is not closed"},
		{"pad == 1", "column 1: pad is neither a number nor a text"},
		{"((((((((((((((((((prev_pid == 1))))))))))))))))))", "nested too deeply"},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct condition *c = NULL;
		struct err e = {0};
		int code = condition_create(&c, cases[i].text, "sched_switch", fields,
					    COUNT(fields), &e);
		if (code != -EINVAL || c || !strstr(e.text, cases[i].sentence))
			fail_msg("%s: %d, %s", cases[i].text, code, e.text);
	}
}

static void the_longest_condition_still_fits_a_program(void **state)
{
	(void)state;
	CLEANUP(free) char *text = calloc(1, 4096);
	unsigned count = 0;
	struct err e;
	struct condition *c;
	do {
		strcat(text, count++ ? "||prev_comm!='x'" : "prev_comm!='x'");
		c = NULL;
		if (condition_create(&c, text, "sched_switch", fields, COUNT(fields), &e) == 0)
			assert_true(prog_check(condition_prog(c), NULL));
		condition_destroy(c);
	} while (c);
	assert_true(count > 40);
	assert_non_null(strstr(e.text, "too long"));
}

static void the_kernels_syntax_says_the_same(void **state)
{
	(void)state;
	static const struct {
		const char *text, *kernel;
	} cases[] = {
		{"prev_prio<0x64", "prev_prio < 100"},
		{"small == -56", "small == 200"},
		{"prev_pid == 0xfffffff9", "prev_pid == -7"},
		{"! next_comm == \"a'b\" && (prev_pid > 1 || next_comm ~ '9[*')",
		 "(!(next_comm == \"a'b\") && (prev_pid > 1 || next_comm ~ \"\\9\\[*\"))"},
		{"prev_comm == 'a\"b'", "prev_comm == 'a\"b'"},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct condition *c = create(cases[i].text);
		struct text out = {0};
		struct err e;
		assert_int_equal(condition_print_kernel(c, &out, &e), 0);
		assert_string_equal(out.data, cases[i].kernel);
		text_deinit(&out);
		condition_destroy(c);
	}
	struct condition *c = create("prev_comm == 'a\"b\\'c'");
	struct text out = {0};
	struct err e;
	assert_int_equal(condition_print_kernel(c, &out, &e), -EOPNOTSUPP);
	text_deinit(&out);
	condition_destroy(c);
}

/* A tracefs instance of our own is the judge of the syntax. */
static void the_kernel_accepts_what_is_printed(void **state)
{
	(void)state;
	char instance[96], path[160];
	snprintf(instance, sizeof(instance),
		 "/sys/kernel/tracing/instances/cairn-condition-test-%d", getpid());
	if (mkdir(instance, 0700)) {
		print_message("no tracefs instance can be made here\n");
		skip();
	}
	snprintf(path, sizeof(path), "%s/events/sched/sched_switch/filter", instance);
	static const char *const texts[] = {
		"prev_prio < 100 && next_comm ~ \"redis*\"",
		"!(prev_state & 3) || next_comm == 'a\"b'",
		"!prev_pid == -7 && (next_comm ~ \"!x[1]*\" || next_comm ~ '9?')",
		"common_pid != 0 && prev_state == -1",
	};
	bool accepted = true;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct condition *c = create(texts[i]);
		struct text out = {0};
		struct err e;
		if (condition_print_kernel(c, &out, &e) == 0) {
			CLEANUP(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
			if (write(fd, out.data, out.bytes) != (ssize_t)out.bytes) {
				print_message("refused: %s\n", out.data);
				accepted = false;
			}
		}
		text_deinit(&out);
		condition_destroy(c);
	}
	rmdir(instance);
	assert_true(accepted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_hold_or_not),
		cmocka_unit_test(mistakes_are_told_with_their_column),
		cmocka_unit_test(the_longest_condition_still_fits_a_program),
		cmocka_unit_test(the_kernels_syntax_says_the_same),
		cmocka_unit_test(the_kernel_accepts_what_is_printed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
