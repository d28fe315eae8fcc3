/* SPDX-License-Identifier: MIT */
#include "util/test.h"
#include "prog/prog_life.h"

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

static void what_no_division_gives_is_said_here(void **state)
{
	(void)state;
	assert_true(run_pair(PROG_DIV, -1, 2) == INT64_MAX);
	assert_true((int64_t)run_pair(PROG_DIV_S, -7, 2) == -3);
	assert_true((int64_t)run_pair(PROG_MOD_S, -7, 2) == -1);
	assert_true(run_pair(PROG_MOD, 7, 4) == 3);
	for (uint8_t op = PROG_DIV; op <= PROG_MOD_S; op++)
		assert_true(run_pair(op, 5, 0) == 0);
	assert_true((int64_t)run_pair(PROG_DIV_S, INT64_MIN, -1) == INT64_MIN);
	assert_true(run_pair(PROG_MOD_S, INT64_MIN, -1) == 0);
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

static void a_skipped_value_is_born_where_every_run_comes_by(void **state)
{
	(void)state;
	const struct prog_insn insns[] = {
		{.op = PROG_CONST, .value = 1},
		{.op = PROG_SKIP_IF, .a = 0, .at = 3}, /* over the skip that first skips 4 */
		{.op = PROG_SKIP_IF, .a = 0, .at = 5},
		{.op = PROG_SKIP_IF, .a = 0, .at = 5},
		{.op = PROG_TID},
		{.op = PROG_RESULT, .a = 4},
	};
	struct prog p = {.insns = insns, .insn_count = COUNT(insns)};
	struct prog_life life;
	prog_life_find(&p, &life);
	assert_int_equal(life.birth[4], 1);
	assert_int_equal(life.birth[0], 0);
	assert_int_equal(life.last_use[4], 5);
}

static void the_thread_is_known(void **state)
{
	(void)state;
	const struct prog_insn insns[] = {{.op = PROG_TID}, {.op = PROG_RESULT, .a = 0}};
	assert_true(run(insns, 2, "") == 77);
}

/* A thread at a place of its code: registers count up from 100, `record` is mapped at 4096. */
struct site {
	uint8_t output[16];
	struct prog_cells cells;
	uint64_t now_ticks;
};

static uint64_t run_site(struct site *s, const struct prog_insn *insns, uint32_t count)
{
	struct prog p = {.insns = insns, .insn_count = count};
	uint64_t regs[PROG_REGS], values[PROG_INSNS_MAX];
	const struct prog_window memory = {4096, sizeof(record), record};
	for (unsigned i = 0; i < PROG_REGS; i++)
		regs[i] = 100 + i;
	struct prog_input input = {.regs = regs,
				   .windows = &memory,
				   .window_count = 1,
				   .output = s->output,
				   .output_bytes = sizeof(s->output),
				   .cells = &s->cells,
				   .now_ticks = s->now_ticks};
	uint32_t bad = 0;
	if (!prog_check(&p, &bad))
		fail_msg("instruction %u was refused", bad);
	return prog_run(&p, &input, values);
}

#define RUN_SITE(s, insns) run_site(s, insns, COUNT(insns))

static void registers_and_memory_become_output(void **state)
{
	(void)state;
	struct site s = {.output = {7, 7, 7}};
	const struct prog_insn insns[] = {
		{.op = PROG_REG, .at = 5},
		{.op = PROG_PUT, .a = 0, .at = 1, .bytes = 2},
		{.op = PROG_CONST, .value = 4096},
		{.op = PROG_PEEK_S, .a = 2, .bytes = 2},
		{.op = PROG_EXTEND, .a = 3, .bytes = 4},
		{.op = PROG_PUT, .a = 4, .at = 8, .bytes = 8},
		{.op = PROG_RESULT, .a = 3},
	};
	static const uint8_t expected[16] = {0, 105, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
	assert_true((int64_t)RUN_SITE(&s, insns) == -1);
	assert_memory_equal(s.output, expected, sizeof(expected));
	struct prog p = {.insns = insns, .insn_count = COUNT(insns)};
	assert_int_equal(prog_output_bytes(&p), 16);
}

/* What is at `address`, read so, and put as a text of 8 bytes; faults in the second byte. */
static uint64_t run_read(struct site *s, uint8_t op, int64_t address, uint32_t bytes)
{
	const struct prog_insn insns[] = {
		{.op = PROG_CONST, .value = address},
		{.op = op, .a = 0, .at = 0, .bytes = bytes},
		{.op = PROG_FAULT},
		{.op = PROG_FAULT},
		{.op = PROG_PUT, .a = 2, .at = 14, .bytes = 1},
		{.op = PROG_PUT, .a = 3, .at = 15, .bytes = 1},
		{.op = PROG_OUT_TEXT, .at = 0, .bytes = 8},
		{.op = PROG_TEXT_EQ, .a = 6, .at = 0, .bytes = 0},
		{.op = PROG_NOT, .a = 7},
		{.op = PROG_RESULT, .a = op == PROG_READ ? 1 : 8},
	};
	return RUN_SITE(s, insns);
}

static void what_cannot_be_read_is_zero_and_a_fault_once(void **state)
{
	(void)state;
	struct site s = {0};
	assert_true(run_read(&s, PROG_READ, 4096 + 2, 2) == 12345);
	assert_int_equal(s.output[14], 0);
	assert_true(run_read(&s, PROG_READ, 4096 + 31, 2) == 0);
	assert_int_equal(s.output[14], 1);
	assert_int_equal(s.output[15], 0);
	assert_true(run_read(&s, PROG_READ, 4095, 1) == 0);
	assert_true(run_read(&s, PROG_READ, -1, 8) == 0);
	assert_int_equal(s.output[14], 1);
}

static void copies_are_cut_padded_and_end_where_memory_does(void **state)
{
	(void)state;
	struct site s = {0};
	assert_true(run_read(&s, PROG_PUT_TEXT, 4096 + 8, 4) == 1);
	assert_memory_equal(s.output, "red\0\0\0\0", 8);
	assert_int_equal(s.output[14], 0);
	assert_true(run_read(&s, PROG_PUT_TEXT, 4096 + 11, 8) == 1);
	assert_memory_equal(s.output, "is-1\0\0\0", 8);
	assert_true(run_read(&s, PROG_PUT_BYTES, 4096 + 24, 8) == 1);
	assert_memory_equal(s.output, "full\0\0\0", 8);
	assert_int_equal(s.output[14], 0);
	assert_true(run_read(&s, PROG_PUT_BYTES, 4096 + 26, 8) == 1);
	assert_memory_equal(s.output, "ll\0\0\0\0\0", 8);
	assert_int_equal(s.output[14], 1);
	assert_true(run_read(&s, PROG_PUT_TEXT, 0, 8) == 0);
	assert_int_equal(s.output[14], 1);
}

static void cells_keep_counts_sizes_and_times(void **state)
{
	(void)state;
	struct site s = {.now_ticks = 50};
	const struct prog_insn enter[] = {
		{.op = PROG_REG, .at = 7},          {.op = PROG_COUNT, .a = 0, .at = 1},
		{.op = PROG_HIST, .a = 0, .at = 2}, {.op = PROG_ENTER, .a = 0, .at = 3},
		{.op = PROG_RESULT, .a = 0},
	};
	const struct prog_insn leave[] = {
		{.op = PROG_REG, .at = 7},   {.op = PROG_LEAVE, .a = 0, .at = 3},
		{.op = PROG_FAULT},          {.op = PROG_PUT, .a = 2, .at = 0, .bytes = 1},
		{.op = PROG_RESULT, .a = 1},
	};
	RUN_SITE(&s, enter);
	RUN_SITE(&s, enter);
	assert_int_equal(s.cells.count, 3);
	assert_true(s.cells.items[0].key == 107 && s.cells.items[0].value == 2);
	assert_true(s.cells.items[1].key == 7 && s.cells.items[1].value == 2);
	s.now_ticks = 80;
	assert_true(RUN_SITE(&s, leave) == 30);
	assert_int_equal(s.output[0], 0);
	assert_true(RUN_SITE(&s, leave) == 0);
	assert_int_equal(s.output[0], 1);
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
static const struct {
	const char *rule;
	uint32_t count, bad;
	struct prog_insn insns[3];
} broken[] = {
	{"R1: empty", 0, 0, {{0}}},
	{"R1: no result", 1, 0, {{.op = PROG_CONST}}},
	{"R1: early result", 3, 1, {{.op = PROG_CONST}, {.op = PROG_RESULT}, {.op = PROG_RESULT}}},
	{"R1: unknown", 2, 0, {{.op = PROG_OPS}, {.op = PROG_RESULT}}},
	{"R1: not 0", 2, 0, {{.op = PROG_TID, .value = 1}, {.op = PROG_RESULT}}},
	{"R2: later", 3, 0, {{.op = PROG_NOT, .a = 1}, {.op = PROG_CONST}, {.op = PROG_RESULT}}},
	{"R2: itself", 2, 0, {{.op = PROG_NEG, .a = 0}, {.op = PROG_RESULT}}},
	{"R2: a place", 2, 1, {{.op = PROG_TEXT, .bytes = 4}, {.op = PROG_RESULT}}},
	{"R3: far", 2, 0, {{.op = PROG_LOAD, .at = 4093, .bytes = 4}, {.op = PROG_RESULT}}},
	{"R3: odd", 2, 0, {{.op = PROG_LOAD, .bytes = 3}, {.op = PROG_RESULT}}},
	{"R3: wraps", 2, 0, {{.op = PROG_LOAD, .at = UINT32_MAX, .bytes = 4}, {.op = PROG_RESULT}}},
	{"R4: pool",
	 3,
	 1,
	 {{.op = PROG_TEXT, .bytes = 4},
	  {.op = PROG_TEXT_EQ, .at = 1, .bytes = 4},
	  {.op = PROG_RESULT, .a = 1}}},
	{"R3: what register", 2, 0, {{.op = PROG_REG, .at = PROG_REGS}, {.op = PROG_RESULT}}},
	{"R3: no number",
	 3,
	 1,
	 {{.op = PROG_CONST}, {.op = PROG_READ, .bytes = 3}, {.op = PROG_RESULT}}},
	{"R10: output",
	 3,
	 1,
	 {{.op = PROG_CONST},
	  {.op = PROG_PUT, .at = PROG_OUTPUT_BYTES_MAX - 7, .bytes = 8},
	  {.op = PROG_RESULT}}},
	{"R10: nothing", 3, 1, {{.op = PROG_CONST}, {.op = PROG_PUT_BYTES}, {.op = PROG_RESULT}}},
	{"R10: cell",
	 3,
	 1,
	 {{.op = PROG_CONST}, {.op = PROG_COUNT, .at = PROG_CELLS_MAX}, {.op = PROG_RESULT}}},
	{"R5: back",
	 3,
	 1,
	 {{.op = PROG_CONST}, {.op = PROG_SKIP_IF, .at = 1}, {.op = PROG_RESULT}}},
	{"R5: out", 3, 1, {{.op = PROG_CONST}, {.op = PROG_SKIP_IF, .at = 3}, {.op = PROG_RESULT}}},
};

static void what_breaks_a_rule_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(broken); i++) {
		struct prog p = {.insns = broken[i].insns,
				 .insn_count = broken[i].count,
				 .pool = (const uint8_t *)"abcd",
				 .pool_bytes = 4};
		uint32_t bad = UINT32_MAX;
		if (prog_check(&p, &bad) || bad != broken[i].bad)
			fail_msg("%s: %s, at %u", broken[i].rule,
				 prog_check(&p, NULL) ? "accepted" : "refused", bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_extend_by_their_sign),
		cmocka_unit_test(numbers_compare_by_the_operation),
		cmocka_unit_test(what_no_division_gives_is_said_here),
		cmocka_unit_test(registers_and_memory_become_output),
		cmocka_unit_test(what_cannot_be_read_is_zero_and_a_fault_once),
		cmocka_unit_test(copies_are_cut_padded_and_end_where_memory_does),
		cmocka_unit_test(cells_keep_counts_sizes_and_times),
		cmocka_unit_test(texts_end_at_nul_or_with_their_place),
		cmocka_unit_test(no_text_leaves_its_record),
		cmocka_unit_test(a_skipped_value_is_zero),
		cmocka_unit_test(a_skipped_value_is_born_where_every_run_comes_by),
		cmocka_unit_test(the_thread_is_known),
		cmocka_unit_test(globs_match_as_a_shells),
		cmocka_unit_test(what_breaks_a_rule_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
