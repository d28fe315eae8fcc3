/* SPDX-License-Identifier: MIT */
#include "util/test.h"

#include "kernel/format.h"
#include "kernel/generic_fetch.h"

#include <string.h>

enum { DI = 14, SI = 13, SP = 19, AX = 10, R12 = 3 };

/* The format that the kernel gives the event of which `fetches` are the values. */
static const char format[] = "name: x\nID: 9\nformat:\n"
			     "\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n"
			     "\tfield:s32 fd;\toffset:16;\tsize:4;\tsigned:1;\n"
			     "\tfield:__data_loc char[] name;\toffset:20;\tsize:4;\tsigned:1;\n"
			     "\tfield:u8 mid;\toffset:24;\tsize:1;\tsigned:0;\n"
			     "\tfield:s16 sizes[3];\toffset:25;\tsize:6;\tsigned:1;\n"
			     "\tfield:u64 last;\toffset:31;\tsize:8;\tsigned:0;\n";

static int parse(const char *fetch, bool is_return, struct generic_probe *ret)
{
	struct format f;
	struct err e;
	assert_int_equal(format_parse(&f, "cairn_1_0", format, sizeof(format) - 1, NULL), 0);
	struct plan_event event = {.format = &f, .fetch = fetch, .is_return = is_return};
	int status = generic_fetch_parse(ret, &event, &e);
	format_deinit(&f);
	return status;
}

static void expect(const struct generic_value *v, struct generic_value expected)
{
	assert_memory_equal(v, &expected, sizeof(expected));
}

static void values_are_walked_from_the_inside(void **state)
{
	(void)state;
	struct generic_probe p;
	assert_int_equal(parse("fd=$arg1:s32 name=-8(+16(+0(%si))):string mid=+12($arg1):b7@3/16 "
			       "sizes=+24(%r12):s16[3] last=$arg8:u64",
			       false, &p),
			 0);
	assert_int_equal(p.fixed_bytes, 39);
	assert_int_equal(p.value_count, 5);
	expect(&p.values[0], (struct generic_value){.at = 16, .bytes = 4, .base = DI});
	expect(&p.values[1], (struct generic_value){.at = 20,
						    .bytes = 4,
						    .kind = GENERIC_TEXT,
						    .base = SI,
						    .step_count = 3,
						    .steps = {0, 16, -8}});
	expect(&p.values[2], (struct generic_value){.at = 24,
						    .bytes = 1,
						    .base = DI,
						    .step_count = 1,
						    .shift = 3,
						    .bits = 7,
						    .steps = {12}});
	expect(&p.values[3], (struct generic_value){.at = 25,
						    .bytes = 6,
						    .kind = GENERIC_BYTES,
						    .base = R12,
						    .step_count = 1,
						    .steps = {24}});
	expect(&p.values[4],
	       (struct generic_value){
		       .at = 31, .bytes = 8, .base = SP, .step_count = 1, .steps = {16}});
}

static void a_result_is_where_the_convention_puts_it(void **state)
{
	(void)state;
	struct generic_probe p;
	assert_int_equal(parse("fd=$retval:s32", true, &p), 0);
	assert_true(p.is_return);
	assert_int_equal(p.values[0].base, AX);
	assert_int_equal(parse("", true, &p), 0);
	assert_int_equal(p.value_count, 0);
}

static void what_bpf_cannot_fetch_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"fd=%cs:u32",
		"fd=$arg0:s32",
		"fd=+0(%di:s32",
		"none=%di:u64",
		"name=%di:string",
		"fd=@jiffies:s32",
		"fd=+1(+2(+3(+4(+5(+6(+7(%di))))))):s32",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct generic_probe p;
		assert_int_equal(parse(wrong[i], false, &p), -EOPNOTSUPP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_walked_from_the_inside),
		cmocka_unit_test(a_result_is_where_the_convention_puts_it),
		cmocka_unit_test(what_bpf_cannot_fetch_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
