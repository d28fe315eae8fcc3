/* SPDX-License-Identifier: MIT */
/* R8: the kernel computes what the interpreter computes, for random programs and records. */
#include "util/test.h"
#include "bpf/bpf_compile.h"
#include "prog/random_prog_test.h"
#include "util/cleanup.h"

#include <bpf/bpf.h>
#include <string.h>
#include <sys/syscall.h>

enum {
	RECORD_BYTES = 320,
	PROGRAMS = 50,
	TEXT_TESTS = 60,
	RECORDS = 12,
};

static struct bpf_insn code[BPF_COMPILE_INSNS_MAX];
/* Small numbers in front, then texts of few letters, so that comparisons meet both ways. */
static void make_record(uint8_t *record)
{
	uint32_t nul_every = pick(2) ? 9 : 200; /* short texts and long ones */
	memset(record, 0, RECORD_BYTES);
	for (int i = 0; i < 16; i++)
		record[i] = (uint8_t)(pick(3) ? pick(3) - 1 : pick(256));
	for (int i = 24; i < RECORD_BYTES - 1; i++)
		record[i] = pick(nul_every) ? (uint8_t)('a' + pick(2)) : 0;
	uint16_t words[4] = {(uint16_t)(24 + pick(20)), (uint16_t)pick(270), (uint16_t)pick(20),
			     (uint16_t)pick(270)};
	memcpy(record + RANDOM_LOCATION, words, sizeof(words));
}

static int load(const struct prog *p, size_t *count_ret, struct err *e)
{
	static const struct bpf_exit exit = {.prog_array_fd = -1};
	int status = bpf_compile(p, &exit, code, BPF_COMPILE_INSNS_MAX, count_ret, e);
	if (status)
		return status;
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_SLEEPABLE);
	int fd = bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "cairn_test", "Dual MIT/GPL", code,
			       *count_ret, &opts);
	return fd < 0 ? err_errno(e, "the kernel refuses a program of %zu instructions", *count_ret)
		      : fd;
}

static uint32_t run_in_kernel(int fd, uint8_t *record)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = record, .ctx_size_in = RECORD_BYTES);
	if (bpf_prog_test_run_opts(fd, &opts))
		fail_msg("BPF_PROG_TEST_RUN: errno %d", errno);
	return opts.retval;
}

static bool kernel_takes_programs(void)
{
	const struct prog_insn insns[] = {{.op = PROG_TID}, {.op = PROG_RESULT}};
	struct prog p = {.insns = insns, .insn_count = 2};
	size_t count;
	struct err e;
	CLEANUP(fd) int fd = load(&p, &count, &e);
	if (fd < 0)
		print_message("no BPF program can be loaded: %s\n", e.text);
	return fd >= 0;
}

static void compare(const struct prog *p, int fd, unsigned which)
{
	uint64_t values[PROG_INSNS_MAX];
	uint8_t record[RECORD_BYTES];
	for (int i = 0; i < RECORDS; i++) {
		make_record(record);
		struct prog_input input = {record, sizeof(record), (uint32_t)syscall(SYS_gettid)};
		uint32_t expected = (uint32_t)prog_run(p, &input, values);
		uint32_t got = run_in_kernel(fd, record);
		if (got != expected)
			fail_msg("program %u, record %d: %#x in the kernel, %#x here", which, i,
				 got, expected);
	}
}

static void the_kernel_computes_what_the_interpreter_does(void **state)
{
	(void)state;
	if (!kernel_takes_programs())
		skip();
	for (unsigned i = 0; i < PROGRAMS; i++) {
		struct random_prog r;
		struct prog p = random_prog_make(&r, false);
		assert_true(prog_check(&p, NULL));
		size_t count;
		struct err e;
		CLEANUP(fd) int fd = load(&p, &count, &e);
		if (fd == -E2BIG)
			continue;
		if (fd < 0)
			fail_msg("program %u: %s", i, e.text);
		compare(&p, fd, i);
	}
}

/* Tests of texts alone, so that each counts: half of the patterns long, a third prefixes. */
static void texts_are_tested_as_the_interpreter_does(void **state)
{
	(void)state;
	if (!kernel_takes_programs())
		skip();
	for (unsigned i = 0; i < TEXT_TESTS; i++) {
		struct random_prog r = {0};
		uint32_t bytes = 1 + pick(i % 2 ? 6 : PROG_PATTERN_BYTES_MAX);
		for (uint32_t at = 0; at < bytes; at++)
			r.pool[at] = (uint8_t) "aab?*"[pick(i % 3 ? 5 : 3)];
		if (i % 3 == 0)
			r.pool[bytes - 1] = '*';
		random_add_place(&r);
		random_add(&r, (struct prog_insn){.op = i % 7 ? PROG_TEXT_MATCH : PROG_TEXT_EQ,
						  .bytes = bytes});
		random_add(&r, (struct prog_insn){.op = PROG_RESULT, .a = 1});
		struct prog p = {.insns = r.insns,
				 .insn_count = r.count,
				 .pool = r.pool,
				 .pool_bytes = sizeof(r.pool)};
		size_t count;
		struct err e;
		CLEANUP(fd) int fd = load(&p, &count, &e);
		if (fd < 0)
			fail_msg("%.*s: %s", (int)bytes, r.pool, e.text);
		compare(&p, fd, i);
	}
}

/* The verifier walks every path: the worst patterns over the longest texts must stay affordable. */
static void the_worst_patterns_pass_the_verifier(void **state)
{
	(void)state;
	if (!kernel_takes_programs())
		skip();
	static const char *const patterns[] = {
		"*abcdefghijklmnopqrstuvwxyz0123", "*a??????????????????????????*z",
		"*a*b*c*d*e*f*g*h*i*j*k*l*m*n*o", "*a?b*a?a?b?????????????????????????????a*b",
		"*?????????????????????????????????????????????*b*a*"};
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		const struct prog_insn insns[] = {
			{.op = PROG_TEXT_LOC, .at = RANDOM_LOCATION, .bytes = 4},
			{.op = PROG_TEXT_MATCH, .a = 0, .bytes = (uint32_t)strlen(patterns[i])},
			{.op = PROG_RESULT, .a = 1}};
		struct prog p = {.insns = insns,
				 .insn_count = 3,
				 .pool = (const uint8_t *)patterns[i],
				 .pool_bytes = (uint32_t)strlen(patterns[i])};
		size_t count;
		struct err e;
		CLEANUP(fd) int fd = load(&p, &count, &e);
		if (fd < 0)
			fail_msg("%s: %s", patterns[i], e.text);
		compare(&p, fd, (unsigned)i);
	}
}

static void what_does_not_fit_is_refused(void **state)
{
	(void)state;
	const struct prog_insn insns[] = {{.op = PROG_LOAD, .bytes = 8}, {.op = PROG_RESULT}};
	struct prog p = {.insns = insns, .insn_count = 2};
	static const struct bpf_exit exit = {.prog_array_fd = -1};
	size_t count = 77;
	assert_int_equal(bpf_compile(&p, &exit, code, 3, &count, NULL), -E2BIG);
	assert_int_equal(count, 77);
	const struct prog_insn site[] = {{.op = PROG_REG, .at = 5}, {.op = PROG_RESULT}};
	struct prog q = {.insns = site, .insn_count = 2};
	struct err e;
	assert_int_equal(bpf_compile(&q, &exit, code, 30, &count, &e), -ENOTSUP);
	assert_string_equal(e.text, "a program in the kernel has no operation REG");
	p.insn_count = 1;
	assert_int_equal(bpf_compile(&p, &exit, code, 30, &count, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_computes_what_the_interpreter_does),
		cmocka_unit_test(texts_are_tested_as_the_interpreter_does),
		cmocka_unit_test(the_worst_patterns_pass_the_verifier),
		cmocka_unit_test(what_does_not_fit_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
