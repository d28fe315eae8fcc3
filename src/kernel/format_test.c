/* SPDX-License-Identifier: MIT */
#include "util/test.h"

#include "kernel/format.h"
#include "kernel/tracefs.h"

#include <string.h>
#include <unistd.h>

#define COMMON                                                                                     \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                     \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"                     \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"             \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

static const char text[] = "name: everything\nID: 77\nformat:\n" COMMON
			   "\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
			   "\tfield:pid_t pid;\toffset:24;\tsize:4;\tsigned:1;\n"
			   "\tfield:const char *const * argv;\toffset:32;\tsize:8;\tsigned:0;\n"
			   "\tfield:int dfd;\toffset:40;\tsize:8;\tsigned:0;\n"
			   "\tfield:unsigned long args[6];\toffset:48;\tsize:48;\tsigned:0;\n"
			   "\tfield:__data_loc char[] name;\toffset:96;\tsize:4;\tsigned:0;\n"
			   "\tfield:__rel_loc u64[] addresses;\toffset:100;\tsize:4;\tsigned:0;\n"
			   "\tfield:__data_loc cpumask_t mask;\toffset:104;\tsize:4;\tsigned:0;\n"
			   "\tfield:struct key *touching;\toffset:112;\tsize:8;\tsigned:0;\n"
			   "\tfield:__u8 insn[15];\toffset:121;\tsize:15;\tsigned:0;\n"
			   "\tfield:u32 nothing[];\toffset:136;\tsize:0;\tsigned:0;\n"
			   "\nprint fmt: \"field:nonsense\"\n";

static void test_fields(void **state)
{
	(void)state;
	static const struct format_field expected[] = {
		{"comm", "char", FORMAT_TEXT, 8, 16, 1, true, false},
		{"pid", "pid_t", FORMAT_INTEGER, 24, 4, 4, true, false},
		{"argv", "const char *const *", FORMAT_POINTER, 32, 8, 8, false, false},
		{"dfd", "int", FORMAT_INTEGER, 40, 4, 4, true, false},
		{"args", "unsigned long", FORMAT_ARRAY, 48, 48, 8, false, false},
		{"name", "char", FORMAT_DYNAMIC_TEXT, 96, 4, 1, true, false},
		{"addresses", "u64", FORMAT_DYNAMIC_ARRAY, 100, 4, 8, false, true},
		{"mask", "cpumask_t", FORMAT_DYNAMIC_ARRAY, 104, 4, 8, false, false},
		{"touching", "struct key *", FORMAT_POINTER, 112, 8, 8, false, false},
		{"insn", "__u8", FORMAT_ARRAY, 121, 15, 1, false, false},
	};
	struct format f;
	struct err e;
	assert_int_equal(format_parse(&f, "test", text, sizeof(text) - 1, &e), 0);
	assert_string_equal(f.subsystem, "test");
	assert_string_equal(f.name, "everything");
	assert_int_equal(f.id, 77);
	assert_int_equal(f.fixed_bytes, 136);
	assert_int_equal(f.field_count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < f.field_count; i++) {
		const struct format_field *got = &f.fields[i], *want = &expected[i];
		assert_string_equal(got->name, want->name);
		assert_string_equal(got->type, want->type);
		assert_int_equal(got->kind, want->kind);
		assert_int_equal(got->offset, want->offset);
		assert_int_equal(got->size, want->size);
		assert_int_equal(got->element_bytes, want->element_bytes);
		assert_int_equal(got->is_signed, want->is_signed);
		assert_int_equal(got->is_relative, want->is_relative);
		assert_ptr_equal(format_find(&f, want->name), got);
	}
	assert_null(format_find(&f, "common_pid"));
	format_deinit(&f);
}

/* As the kernel describes the event of a probe that was made with "file=$arg1:x64 n=$arg2:u64". */
static void a_probes_addresses_are_known_by_their_print(void **state)
{
	static const char probe[] =
		"name: vfs_read\nID: 78\nformat:\n" COMMON
		"\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n"
		"\tfield:u64 file;\toffset:16;\tsize:8;\tsigned:0;\n"
		"\tfield:u64 n;\toffset:24;\tsize:8;\tsigned:0;\n"
		"\nprint fmt: \"(%lx) file=0x%Lx n=%Lu\", REC->__probe_ip, REC->file, REC->n\n";
	struct format f;
	(void)state;
	assert_int_equal(format_parse(&f, "cairn_1_0", probe, sizeof(probe) - 1, NULL), 0);
	assert_int_equal(format_find(&f, "__probe_ip")->kind, FORMAT_POINTER);
	assert_int_equal(format_find(&f, "file")->kind, FORMAT_POINTER);
	assert_int_equal(format_find(&f, "n")->kind, FORMAT_INTEGER);
	format_deinit(&f);
}

static void test_values(void **state)
{
	(void)state;
	struct format f;
	struct err e;
	uint8_t record[160] = {0};
	size_t bytes;
	assert_int_equal(format_parse(&f, "test", text, sizeof(text) - 1, &e), 0);
	memcpy(record + 24, &(int32_t){-5}, 4);
	memcpy(record + 40, &(uint64_t){0xffffff9c}, 8);
	memcpy(record + 96, &(uint32_t){5 << 16 | 136}, 4);
	memcpy(record + 100, &(uint32_t){8 << 16 | 40}, 4); /* 104 + 40 */
	memcpy(record + 136, "vda0", 5);
	record[144] = 9;
	assert_int_equal((int64_t)format_uint(format_find(&f, "pid"), record, 160), -5);
	assert_int_equal((int64_t)format_uint(format_find(&f, "dfd"), record, 160), -100);
	assert_int_equal(format_uint(format_find(&f, "dfd"), record, 43), 0);
	const void *name = format_bytes(format_find(&f, "name"), record, 160, &bytes);
	assert_int_equal(bytes, 5);
	assert_string_equal(name, "vda0");
	assert_null(format_bytes(format_find(&f, "name"), record, 140, &bytes));
	const uint8_t *first = format_bytes(format_find(&f, "addresses"), record, 160, &bytes);
	assert_ptr_equal(first, record + 144);
	assert_int_equal(bytes, 8);
	format_deinit(&f);
}

static void assert_refused(const char *format, const char *sentence)
{
	struct format f;
	struct err e = {0};
	assert_int_equal(format_parse(&f, "test", format, strlen(format), &e), -EINVAL);
	assert_non_null(strstr(e.text, sentence));
}

static void test_refused(void **state)
{
	(void)state;
	assert_refused("", "no name or no ID");
	assert_refused("name: x\nID: 1\n\tfield:int a;\toffset:8;\n", "line 3");
	assert_refused("name: x\nID: 1\n\tfield:int a;\toffset:8;\tsize:4;\tsigned:1;\n"
		       "\tfield:int b;\toffset:10;\tsize:4;\tsigned:1;\n",
		       "test:x: line 4");
	assert_refused("name: x\nID: 1\n\tfield:int a;\toffset:4000000000;\tsize:4;\tsigned:1;\n",
		       "line 3");
	assert_refused("name: x\nID: 1\n\tfield:int ;\toffset:8;\tsize:4;\tsigned:1;\n", "line 3");
	assert_refused("name: x\nID: 1\n\tfield:__data_loc char[] a;\toffset:8;\tsize:8;\t"
		       "signed:1;\n",
		       "line 3");
}

/* Every event of the kernel that runs here. */
static void test_this_kernel(void **state)
{
	(void)state;
	const char *tracefs;
	struct err e;
	if (tracefs_find(&tracefs, &e)) {
		print_message("%s\n", e.text);
		skip();
	}
	struct tracefs_names names;
	assert_int_equal(tracefs_events(tracefs, "sched:sched_sw*", &names, &e), 0);
	assert_true(names.count >= 2);
	assert_string_equal(names.items[0], "sched:sched_swap_numa");
	tracefs_names_free(&names);
	assert_int_equal(tracefs_events(tracefs, "*", &names, &e), 0);
	for (size_t i = 0; i < names.count; i++) {
		char *colon = strchr(names.items[i], ':');
		struct format f;
		*colon = 0;
		if (format_read(&f, tracefs, names.items[i], colon + 1, &e))
			fail_msg("%s", e.text);
		assert_string_equal(f.name, colon + 1);
		format_deinit(&f);
	}
	tracefs_names_free(&names);
	assert_int_equal(tracefs_events(tracefs, "no:such", &names, &e), 0);
	assert_int_equal(names.count, 0);
	tracefs_names_free(&names);
	struct format f;
	assert_int_equal(format_read(&f, tracefs, "no", "such", &e), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(a_probes_addresses_are_known_by_their_print),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_this_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
