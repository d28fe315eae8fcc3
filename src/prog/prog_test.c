/* SPDX-License-Identifier: MIT */
#include "util/test.h"
#include "prog/prog.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const uint8_t record[32] = {
	0xff, 0xff, 0x39, 0x30, 1,   0,   0,   0x80, /* numbers */
	'r',  'e',  'd',  'i',  's', '-', '1', 0,    /* a text at 8 */
	20,   0,    3,    0,    0,   0,   0,   0,    /* a location at 16: 3 bytes at 20 */
	'f',  'u',  'l',  'l',  0,   0,   0,   0,    /* a text that fills its 4 bytes at 24 */
};

static uint64_t run(const struct prog_insn *insns, uint32_t count, const char *pool)
{
	struct prog p = {.insns = insns,
			 .insn_count = count,
			 .pool = (const uint8_t *)pool,
			 .pool_bytes = (uint32_t)strlen(pool)};
	struct prog_input input = {.record = record, .record_bytes = sizeof(record), .tid = 77};
	uint32_t bad = 0;
	if (!prog_check(&p, &bad))
		fail_msg("instruction %u was refused", bad);
	uint64_t values[PROG_INSNS_MAX];
	return prog_run(&p, &input, values);
}

static uint64_t run_load(uint8_t op, uint32_t at, uint32_t bytes)
{
	const struct prog_insn insns[] = {{.op = op, .at = at, .bytes = bytes},
					  {.op = PROG_RESULT, .a = 0}};
	return run(insns, 2, "");
}

static uint64_t run_pair(uint8_t op, int64_t a, int64_t b)
{
	const struct prog_insn insns[] = {{.op = PROG_CONST, .value = a},
					  {.op = PROG_CONST, .value = b},
					  {.op = op, .a = 0, .b = 1},
					  {.op = PROG_RESULT, .a = 2}};
	return run(insns, 4, "");
}

static uint64_t run_text(uint8_t place, uint32_t at, uint32_t bytes, uint8_t test, const char *text)
{
	const struct prog_insn insns[] = {
		{.op = place, .at = at, .bytes = bytes},
		{.op = test, .a = 0, .at = 0, .bytes = (uint32_t)strlen(text)},
		{.op = PROG_RESULT, .a = 1}};
	return run(insns, 3, text);
}

static void loads_extend_by_their_sign(void **state)
{
	(void)state;
	assert_true(run_load(PROG_LOAD, 0, 2) == 0xffff);
	assert_true((int64_t)run_load(PROG_LOAD_S, 0, 2) == -1);
	assert_true(run_load(PROG_LOAD, 2, 2) == 12345);
	assert_true((int64_t)run_load(PROG_LOAD_S, 4, 4) == (int64_t)(int32_t)0x80000001);
	assert_true(run_load(PROG_LOAD, 25, 8) == 0); /* past the record's end */
}

static void numbers_compare_by_the_operation(void **state)
{
	(void)state;
	assert_true(run_pair(PROG_LT, -1, 1) == 0);
	assert_true(run_pair(PROG_LT_S, -1, 1) == 1);
	assert_true(run_pair(PROG_LE_S, 1, 1) == 1);
	assert_true(run_pair(PROG_SUB, 1, 2) == UINT64_MAX);
	assert_true((int64_t)run_pair(PROG_SHR_S, -8, 65) == -4); /* shifts count modulo 64 */
	assert_true(run_pair(PROG_AND, 6, 3) == 2);
}

static void texts_end_at_nul_or_with_their_place(void **state)
{
	(void)state;
	assert_true(run_text(PROG_TEXT, 8, 8, PROG_TEXT_EQ, "redis-1") == 1);
	assert_true(run_text(PROG_TEXT, 8, 8, PROG_TEXT_EQ, "redis") == 0);
	assert_true(run_text(PROG_TEXT, 24, 4, PROG_TEXT_EQ, "full") == 1);
	assert_true(run_text(PROG_TEXT, 24, 4, PROG_TEXT_MATCH, "*l") == 1);
	assert_true(run_text(PROG_TEXT, 8, 8, PROG_TEXT_MATCH, "r?dis*") == 1);
	assert_true(run_text(PROG_TEXT, 8, 8, PROG_TEXT_MATCH, "r?dis") == 0);
	assert_true(run_text(PROG_TEXT_LOC, 16, 4, PROG_TEXT_EQ, "") == 1);
	assert_true(run_text(PROG_TEXT, 30, 8, PROG_TEXT_EQ, "") == 1); /* not in the record */
}

static void no_text_leaves_its_record(void **state)
{
	(void)state;
	static const struct prog_insn insns[] = {
		{.op = PROG_TEXT, .at = 8, .bytes = 8},
		{.op = PROG_TEXT_MATCH, .a = 0, .at = 0, .bytes = 6},
		{.op = PROG_RESULT, .a = 1}};
	struct prog p = {.insns = insns,
			 .insn_count = 3,
			 .pool = (const uint8_t *)"redis*",
			 .pool_bytes = 6};
	uint64_t values[PROG_INSNS_MAX];
	for (uint32_t bytes = 0; bytes <= 16; bytes++) {
		struct prog_input input = {.record = record, .record_bytes = bytes};
		assert_int_equal(prog_run(&p, &input, values), bytes == 16);
	}
}

static void a_skipped_value_is_zero(void **state)
{
	(void)state;
	const struct prog_insn insns[] = {{.op = PROG_CONST, .value = 1},
					  {.op = PROG_SKIP_IF, .a = 0, .at = 3},
					  {.op = PROG_CONST, .value = 9},
					  {.op = PROG_RESULT, .a = 2}};
	assert_true(run(insns, 4, "") == 0);
}

static void the_thread_is_known(void **state)
{
	(void)state;
	const struct prog_insn insns[] = {{.op = PROG_TID}, {.op = PROG_RESULT, .a = 0}};
	assert_true(run(insns, 2, "") == 77);
}

static void globs_match_as_a_shells(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{"", "", true},         {"*", "", true},           {"a*c*e", "abcde", true},
		{"a*c", "abcd", false}, {"*ab", "aab", true},      {"?", "", false},
		{"a**b", "ab", true},   {"*a?c*", "xxabcy", true}, {"[a]", "a", false},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool got = prog_glob((const uint8_t *)cases[i].pattern, strlen(cases[i].pattern),
				     (const uint8_t *)cases[i].text, strlen(cases[i].text));
		if (got != cases[i].matches)
			fail_msg("'%s' and '%s': %d", cases[i].pattern, cases[i].text, got);
	}
}

/* Each program breaks one rule, at the instruction named. */
static void what_breaks_a_rule_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *rule;
		uint32_t count, bad;
		struct prog_insn insns[3];
	} cases[] = {
		{"R1: empty", 0, 0, {{0}}},
		{"R1: no result", 1, 0, {{.op = PROG_CONST}}},
		{"R1: early result",
		 3,
		 1,
		 {{.op = PROG_CONST}, {.op = PROG_RESULT}, {.op = PROG_RESULT}}},
		{"R1: unknown", 2, 0, {{.op = PROG_OPS}, {.op = PROG_RESULT}}},
		{"R1: not 0", 2, 0, {{.op = PROG_TID, .value = 1}, {.op = PROG_RESULT}}},
		{"R2: later",
		 3,
		 0,
		 {{.op = PROG_NOT, .a = 1}, {.op = PROG_CONST}, {.op = PROG_RESULT}}},
		{"R2: itself", 2, 0, {{.op = PROG_NEG, .a = 0}, {.op = PROG_RESULT}}},
		{"R2: a place", 2, 1, {{.op = PROG_TEXT, .bytes = 4}, {.op = PROG_RESULT}}},
		{"R3: far", 2, 0, {{.op = PROG_LOAD, .at = 4093, .bytes = 4}, {.op = PROG_RESULT}}},
		{"R3: odd", 2, 0, {{.op = PROG_LOAD, .bytes = 3}, {.op = PROG_RESULT}}},
		{"R3: wraps",
		 2,
		 0,
		 {{.op = PROG_LOAD, .at = UINT32_MAX, .bytes = 4}, {.op = PROG_RESULT}}},
		{"R4: pool",
		 3,
		 1,
		 {{.op = PROG_TEXT, .bytes = 4},
		  {.op = PROG_TEXT_EQ, .at = 1, .bytes = 4},
		  {.op = PROG_RESULT, .a = 1}}},
		{"R5: back",
		 3,
		 1,
		 {{.op = PROG_CONST}, {.op = PROG_SKIP_IF, .at = 1}, {.op = PROG_RESULT}}},
		{"R5: out",
		 3,
		 1,
		 {{.op = PROG_CONST}, {.op = PROG_SKIP_IF, .at = 3}, {.op = PROG_RESULT}}},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prog p = {.insns = cases[i].insns,
				 .insn_count = cases[i].count,
				 .pool = (const uint8_t *)"abcd",
				 .pool_bytes = 4};
		uint32_t bad = UINT32_MAX;
		if (prog_check(&p, &bad) || bad != cases[i].bad)
			fail_msg("%s: %s, at %u", cases[i].rule,
				 prog_check(&p, NULL) ? "accepted" : "refused", bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_extend_by_their_sign),
		cmocka_unit_test(numbers_compare_by_the_operation),
		cmocka_unit_test(texts_end_at_nul_or_with_their_place),
		cmocka_unit_test(no_text_leaves_its_record),
		cmocka_unit_test(a_skipped_value_is_zero),
		cmocka_unit_test(the_thread_is_known),
		cmocka_unit_test(globs_match_as_a_shells),
		cmocka_unit_test(what_breaks_a_rule_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
