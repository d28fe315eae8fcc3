/* SPDX-License-Identifier: MIT */
#include "util/test.h"
#include "insn/insn.h"
#include "insn/insn_emit.h"
#include "insn/insn_move.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define BYTES(text)  (const uint8_t *)(text), sizeof(text) - 1

enum { CARRY = 1, ZERO = 0x40 };

static const uint64_t here = 0x400000;

static struct insn decode(const uint8_t *code, size_t bytes)
{
	struct insn in;
	if (!insn_decode(code, bytes, here, &in) || in.bytes != bytes)
		fail_msg("the instruction that begins with 0x%02x was not decoded", code[0]);
	return in;
}

static void instructions_are_told_apart(void **state)
{
	(void)state;
	static const struct {
		const char *code;
		uint8_t bytes, class;
	} cases[] = {
		{"\x55", 1, INSN_PLAIN},
		{"\x90", 1, INSN_NOP},
		{"\x0f\x1f\x44\x00\x00", 5, INSN_NOP},
		{"\xf3\x0f\x1e\xfa", 4, INSN_LANDING},
		{"\xeb\x10", 2, INSN_JUMP},
		{"\xe9\x10\x00\x00\x00", 5, INSN_JUMP},
		{"\x74\x10", 2, INSN_BRANCH},
		{"\x0f\x84\x10\x00\x00\x00", 6, INSN_BRANCH},
		{"\xe2\x10", 2, INSN_LOOP},
		{"\x67\xe3\x10", 3, INSN_LOOP},
		{"\xe8\x10\x00\x00\x00", 5, INSN_CALL},
		{"\xff\xe0", 2, INSN_JUMP_ANY},
		{"\x3e\xff\xe0", 3, INSN_JUMP_ANY},
		{"\xff\x15\x10\x00\x00\x00", 6, INSN_CALL_ANY},
		{"\xc3", 1, INSN_RETURN},
		{"\xf3\xc3", 2, INSN_RETURN},
		{"\x0f\x05", 2, INSN_SYSCALL},
		{"\xcc", 1, INSN_TRAP},
		{"\x0f\x0b", 2, INSN_TRAP},
		{"\xcd\x80", 2, INSN_STRANGE},
		{"\xc7\xf8\x10\x00\x00\x00", 6, INSN_STRANGE}, /* xbegin */
		{"\x66\xe9\x10\x00\x00\x00", 6,
		 INSN_STRANGE}, /* a length two vendors disagree on */
		{"\xc5\x48\x85\x10\x00\x00\x00", 7, INSN_STRANGE}, /* jknzd */
		{"\x67\x8b\x05\x10\x00\x00\x00", 7, INSN_STRANGE}, /* eip-relative */
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct insn in = decode((const uint8_t *)cases[i].code, cases[i].bytes);
		if (in.class != cases[i].class)
			fail_msg("case %zu is of class %d, not %d", i, in.class, cases[i].class);
	}
}

static void what_depends_on_the_place_is_named(void **state)
{
	(void)state;
	struct insn in = decode(BYTES("\x74\xfe"));
	assert_true(in.target == here && in.relative_at == 1 && in.relative_bytes == 1);
	in = decode(BYTES("\x48\xc7\x05\x10\x00\x00\x00\x07\x00\x00\x00"));
	assert_true(in.target == here + 11 + 16 && in.relative_at == 3 && in.relative_bytes == 4);
	assert_true(in.immediate == 7 && !insn_has_target(&in));
	in = decode(BYTES("\x48\x8b\x44\x24\xf8"));
	assert_true(in.from_stack && in.in_red_zone && !in.relative_bytes);
	in = decode(BYTES("\x49\x8b\x44\x24\xf8")); /* from r12 */
	assert_false(in.from_stack || in.in_red_zone);
	in = decode(BYTES("\x48\x8b\x44\x24\x08"));
	assert_true(in.from_stack && !in.in_red_zone);
}

static void flags_read_and_written_are_known(void **state)
{
	(void)state;
	struct insn in = decode(BYTES("\x48\x01\xd8")); /* add */
	assert_true(in.flags_read == 0 && (in.flags_written & (CARRY | ZERO)) == (CARRY | ZERO));
	in = decode(BYTES("\x48\x11\xd8")); /* adc */
	assert_true(in.flags_read == CARRY);
	in = decode(BYTES("\x74\x10")); /* je */
	assert_true(in.flags_read == ZERO && in.flags_written == 0);
	in = decode(BYTES("\x48\x89\xd8")); /* mov */
	assert_true(in.flags_read == 0 && in.flags_written == 0);
}

static void a_cut_instruction_is_none(void **state)
{
	(void)state;
	struct insn in;
	assert_false(insn_decode(BYTES("\xe8\x10\x00"), here, &in));
	assert_false(insn_decode(BYTES(""), here, &in));
	assert_false(insn_decode(BYTES("\x06"), here, &in)); /* push es: not in 64-bit mode */
}

static void a_run_covers_a_jump_or_says_why_not(void **state)
{
	(void)state;
	static const struct {
		const char *why, *code;
		uint8_t code_bytes;
		int code_ret;
		uint8_t bytes, count;
		bool ends;
	} cases[] = {
		{"three plain", "\x55\x48\x89\xe5\x53\x90", 6, 0, 5, 3, false},
		{"call last", "\x53\xe8\x10\x00\x00\x00", 6, 0, 6, 2, false},
		{"call first", "\xff\xd0\x55\x55\x55", 5, -ENOTSUP, 0, 0, false},
		{"syscall last", "\x48\x89\xd8\x0f\x05", 5, 0, 5, 2, false},
		{"syscall first", "\x0f\x05\x48\x89\xd8", 5, -ENOTSUP, 0, 0, false},
		{"padding behind", "\x31\xc0\xc3\x0f\x1f\x40\x00", 7, 0, 7, 2, true},
		{"traps behind", "\x31\xc0\xc3\xcc\xcc", 5, 0, 5, 2, true},
		{"code behind", "\x31\xc0\xc3\x55\x53", 5, -ENOTSUP, 0, 0, false},
		{"end", "\x31\xc0\xc3", 3, -EILSEQ, 0, 0, false},
		{"to its inside", "\x31\xc0\x74\xfe\x90", 5, -ENOTSUP, 0, 0, false},
		{"to its start", "\x31\xc0\x74\xfc\x90", 5, 0, 5, 3, false},
		{"trap", "\x31\xc0\x0f\x0b\x90", 5, -ENOTSUP, 0, 0, false},
		{"landing", "\xf3\x0f\x1e\xfa\x90", 5, -ENOTSUP, 0, 0, false},
		{"call by the stack", "\x90\xff\x54\x24\x08", 5, -ENOTSUP, 0, 0, false},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct insn_run run = {0};
		int code = insn_run_find((const uint8_t *)cases[i].code, cases[i].code_bytes, here,
					 INSN_JUMP_BYTES, &run);
		if (code != cases[i].code_ret || run.bytes != cases[i].bytes ||
		    run.count != cases[i].count || run.ends != cases[i].ends)
			fail_msg("%s: %d, %d bytes, %d instructions", cases[i].why, code, run.bytes,
				 run.count);
	}
}

static void what_cannot_be_reached_is_refused(void **state)
{
	(void)state;
	static const uint8_t code[] = "\x48\x8b\x05\x10\x00\x00\x00"; /* mov 16(%rip) */
	struct insn_run run;
	struct insn_copy copy;
	uint8_t room[INSN_COPY_BYTES_MAX];
	assert_int_equal(insn_run_find(code, 7, here, 5, &run), 0);
	struct emit near = emit_into(room, sizeof(room), here + INT32_MAX);
	assert_int_equal(insn_run_move(&run, code, &near, &copy), 0);
	struct emit far = emit_into(room, sizeof(room), here + UINT32_MAX);
	assert_int_equal(insn_run_move(&run, code, &far, &copy), -ERANGE);
	struct emit small = emit_into(room, 8, here + 4096);
	assert_int_equal(insn_run_move(&run, code, &small, &copy), -ENOSPC);
}

static void nops_decode_as_nops_of_any_length(void **state)
{
	(void)state;
	uint8_t code[40];
	for (size_t bytes = 1; bytes <= sizeof(code); bytes++) {
		struct emit out = emit_into(code, bytes, here);
		insn_emit_nops(&out, bytes);
		assert_true(emit_ok(&out) && out.bytes == bytes);
		for (size_t at = 0; at < bytes;) {
			struct insn in;
			assert_true(insn_decode(code + at, bytes - at, here + at, &in));
			assert_int_equal(in.class, INSN_NOP);
			at += in.bytes;
		}
	}
}

static void an_emitter_never_leaves_its_room(void **state)
{
	(void)state;
	uint8_t code[8] = {0};
	struct emit out = emit_into(code, 4, here);
	insn_emit_jump(&out, here + 100);
	assert_false(emit_ok(&out));
	assert_true(code[4] == 0 && out.bytes <= 4);
	out = emit_into(code, sizeof(code), here);
	insn_emit_jump(&out, here + (UINT64_C(1) << 32));
	assert_false(emit_ok(&out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instructions_are_told_apart),
		cmocka_unit_test(what_depends_on_the_place_is_named),
		cmocka_unit_test(flags_read_and_written_are_known),
		cmocka_unit_test(a_cut_instruction_is_none),
		cmocka_unit_test(a_run_covers_a_jump_or_says_why_not),
		cmocka_unit_test(what_cannot_be_reached_is_refused),
		cmocka_unit_test(nops_decode_as_nops_of_any_length),
		cmocka_unit_test(an_emitter_never_leaves_its_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
