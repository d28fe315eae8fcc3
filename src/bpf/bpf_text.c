/* SPDX-License-Identifier: MIT */
/*
 * Tests of texts as eBPF.
 *
 * Equality compares in the widest pieces there are. A pattern becomes the classic bit machine: bit
 * j of the state says that the pattern's first j characters can have been consumed; each character
 * shifts the bits whose next one it is, and keeps those that stand at a '*'. So a pattern costs a
 * bounded loop of straight code, whatever its stars.
 */
#include "bpf/bpf_emit.h"

#include <string.h>

void emit_record_load(struct emitter *m, int dst, uint32_t at, unsigned bytes)
{
	if (at % bytes == 0) {
		emit_load(m, dst, BPF_REG_6, (int)at, bytes);
		return;
	}
	/* The context itself is only read at natural alignment. */
	emit_alu(m, BPF_MOV, BPF_REG_1, BPF_REG_10);
	emit_alu_imm(m, BPF_ADD, BPF_REG_1, EMIT_TEXT_AT);
	emit_alu_imm(m, BPF_MOV, BPF_REG_2, (int32_t)bytes);
	emit_alu(m, BPF_MOV, BPF_REG_3, BPF_REG_6);
	emit_alu_imm(m, BPF_ADD, BPF_REG_3, (int32_t)at);
	emit_call(m, BPF_FUNC_probe_read_kernel);
	emit_load(m, dst, BPF_REG_10, EMIT_TEXT_AT, bytes);
}

/* The text onto the stack, NUL-terminated; r0 is what the kernel's reading gave. */
static void emit_fetch(struct emitter *m, const struct prog_insn *place)
{
	uint32_t bytes = place->bytes;
	if (place->op == PROG_TEXT) {
		emit_alu_imm(m, BPF_MOV, BPF_REG_3, (int32_t)place->at);
	} else {
		bytes = PROG_TEXT_BYTES_MAX;
		emit_record_load(m, BPF_REG_4, place->at, 4);
		emit_alu(m, BPF_MOV, BPF_REG_3, BPF_REG_4);
		emit_alu_imm(m, BPF_AND, BPF_REG_3, 0xffff);
		if (place->op == PROG_TEXT_REL)
			emit_alu_imm(m, BPF_ADD, BPF_REG_3, (int32_t)place->at + 4);
		/* Its length outlives the call on the stack. */
		emit_alu_imm(m, BPF_RSH, BPF_REG_4, 16);
		emit_jump_imm(m, BPF_JLE, BPF_REG_4, PROG_TEXT_BYTES_MAX, 1);
		emit_alu_imm(m, BPF_MOV, BPF_REG_4, PROG_TEXT_BYTES_MAX);
		emit(m, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_4, EMIT_TEXT_AT - 8, 0);
	}
	emit_alu(m, BPF_ADD, BPF_REG_3, BPF_REG_6);
	emit_alu(m, BPF_MOV, BPF_REG_1, BPF_REG_10);
	emit_alu_imm(m, BPF_ADD, BPF_REG_1, EMIT_TEXT_AT);
	emit_alu_imm(m, BPF_MOV, BPF_REG_2, (int32_t)bytes + 1);
	emit_call(m, BPF_FUNC_probe_read_kernel_str);
	if (place->op == PROG_TEXT)
		return;
	emit_load(m, BPF_REG_4, BPF_REG_10, EMIT_TEXT_AT - 8, 8);
	emit_alu(m, BPF_ADD, BPF_REG_4, BPF_REG_10);
	emit(m, BPF_ST | BPF_MEM | BPF_B, BPF_REG_4, 0, EMIT_TEXT_AT, 0);
}

/* `bytes` of memory at base + at, each piece at its natural alignment, against `wanted`. */
static void emit_equal(struct emitter *m, int base, int at, const uint8_t *wanted, uint32_t bytes)
{
	size_t first = m->count;
	emit_alu_imm(m, BPF_MOV, BPF_REG_0, 0);
	for (uint32_t i = 0, piece; i < bytes; i += piece) {
		int64_t value = 0;
		piece = 8;
		while ((at + (int)i) % (int)piece || i + piece > bytes)
			piece /= 2;
		memcpy(&value, wanted + i, piece);
		emit_load(m, BPF_REG_1, base, at + (int)i, piece);
		emit_const(m, BPF_REG_2, value);
		emit(m, BPF_JMP | BPF_X | BPF_JNE, BPF_REG_1, BPF_REG_2, EMIT_PENDING, 0);
	}
	emit_alu_imm(m, BPF_MOV, BPF_REG_0, 1);
	emit_land(m, first);
}

static void emit_text_equal(struct emitter *m, const struct prog *p, const struct prog_insn *place,
			    const struct prog_insn *test)
{
	uint8_t wanted[EMIT_TEXT_BYTES] = {0};
	uint32_t bytes = test->bytes;
	memcpy(wanted, p->pool + test->at, bytes);
	if (place->op != PROG_TEXT) {
		emit_fetch(m, place);
		emit_equal(m, BPF_REG_10, EMIT_TEXT_AT, wanted, bytes + 1);
	} else if (bytes > place->bytes) {
		emit_alu_imm(m, BPF_MOV, BPF_REG_0, 0);
	} else {
		/* The NUL belongs to it unless the text fills its place. */
		emit_equal(m, BPF_REG_6, (int)place->at, wanted, bytes + (bytes < place->bytes));
	}
}

/* "literal*": the commonest pattern, and the cheapest. */
static bool is_prefix(const uint8_t *pattern, uint32_t bytes)
{
	return bytes && memchr(pattern, '*', bytes) == pattern + bytes - 1 &&
	       !memchr(pattern, '?', bytes);
}

static void emit_prefix(struct emitter *m, const struct prog_insn *place, const uint8_t *wanted,
			uint32_t bytes)
{
	if (place->op != PROG_TEXT) {
		emit_fetch(m, place);
		emit_equal(m, BPF_REG_10, EMIT_TEXT_AT, wanted, bytes);
	} else if (bytes > place->bytes) {
		emit_alu_imm(m, BPF_MOV, BPF_REG_0, 0);
	} else {
		emit_equal(m, BPF_REG_6, (int)place->at, wanted, bytes);
	}
}

/* The pattern's characters without its stars, and where they stood. */
struct machine {
	uint8_t chars[PROG_PATTERN_BYTES_MAX];
	unsigned count;
	uint64_t stars; /* bit j: a '*' after j characters */
	uint64_t any;   /* bit j: the next one is '?' */
};

static void machine_init(struct machine *a, const uint8_t *pattern, uint32_t bytes)
{
	*a = (struct machine){0};
	for (uint32_t i = 0; i < bytes; i++) {
		if (pattern[i] == '*') {
			a->stars |= 1ull << a->count;
			continue;
		}
		if (pattern[i] == '?')
			a->any |= 1ull << a->count;
		a->chars[a->count++] = pattern[i];
	}
}

static void emit_alu_const(struct emitter *m, int op, int dst, uint64_t value)
{
	if (value <= INT32_MAX) {
		emit_alu_imm(m, op, dst, (int32_t)value);
		return;
	}
	emit_const(m, BPF_REG_2, (int64_t)value);
	emit_alu(m, op, dst, BPF_REG_2);
}

/* r3 = the states that the character in r1 carries on. */
static void emit_step_mask(struct emitter *m, const struct machine *a)
{
	emit_const(m, BPF_REG_3, (int64_t)a->any);
	uint64_t done = a->any;
	size_t first = m->count;
	for (unsigned i = 0; i < a->count; i++) {
		uint64_t same = 0;
		if (done & 1ull << i)
			continue;
		for (unsigned j = i; j < a->count; j++)
			same |= a->chars[j] == a->chars[i] ? 1ull << j : 0;
		done |= same;
		size_t other = m->count;
		emit_jump_imm(m, BPF_JNE, BPF_REG_1, a->chars[i], 0);
		emit_alu_const(m, BPF_OR, BPF_REG_3, same);
		emit(m, BPF_JMP | BPF_JA, 0, 0, EMIT_PENDING, 0);
		if (!m->full)
			m->insns[other].off = (int16_t)(m->count - other - 1);
	}
	emit_land(m, first);
}

/*
 * r4 is the state, r5 the character's place, r1 the character, r2 scratch. r0 is a 0 that the
 * verifier takes for any number: with it in the state there is nothing to follow, and it walks the
 * loop once for every character instead of once for every state.
 */
static void emit_text_match(struct emitter *m, const struct machine *a, uint32_t text_bytes)
{
	emit_alu(m, BPF_MOV, BPF_REG_1, BPF_REG_0);
	emit_alu(m, BPF_XOR, BPF_REG_0, BPF_REG_1);
	emit_alu_imm(m, BPF_MOV, BPF_REG_4, 1);
	emit_alu(m, BPF_XOR, BPF_REG_4, BPF_REG_0);
	emit_alu_imm(m, BPF_MOV, BPF_REG_5, 0);
	size_t loop = m->count;
	emit_alu(m, BPF_MOV, BPF_REG_2, BPF_REG_10);
	emit_alu(m, BPF_ADD, BPF_REG_2, BPF_REG_5);
	emit_load(m, BPF_REG_1, BPF_REG_2, EMIT_TEXT_AT, 1);
	emit_jump_imm(m, BPF_JEQ, BPF_REG_1, 0, EMIT_PENDING);
	emit_step_mask(m, a);
	emit_alu(m, BPF_AND, BPF_REG_3, BPF_REG_4);
	emit_alu_imm(m, BPF_LSH, BPF_REG_3, 1);
	emit_alu_const(m, BPF_AND, BPF_REG_4, a->stars);
	emit_alu(m, BPF_OR, BPF_REG_4, BPF_REG_3);
	emit_alu(m, BPF_XOR, BPF_REG_4, BPF_REG_0);
	emit_jump_imm(m, BPF_JEQ, BPF_REG_4, 0, EMIT_PENDING); /* nothing can match any more */
	if (a->stars >> a->count) { /* everything from here on does, once it is reached */
		emit_const(m, BPF_REG_2, (int64_t)(1ull << a->count));
		emit(m, BPF_JMP | BPF_X | BPF_JSET, BPF_REG_4, BPF_REG_2, EMIT_PENDING, 0);
	}
	emit_alu_imm(m, BPF_ADD, BPF_REG_5, 1);
	int back = (int)loop - (int)m->count - 1;
	emit_jump_imm(m, BPF_JLT, BPF_REG_5, (int32_t)text_bytes, back);
	emit_land(m, loop);
	emit_alu(m, BPF_MOV, BPF_REG_0, BPF_REG_4);
	emit_alu_imm(m, BPF_RSH, BPF_REG_0, (int32_t)a->count);
	emit_alu_imm(m, BPF_AND, BPF_REG_0, 1);
}

void emit_text_test(struct emitter *m, const struct prog *p, const struct prog_insn *place,
		    const struct prog_insn *test)
{
	if (test->op == PROG_TEXT_EQ) {
		emit_text_equal(m, p, place, test);
		return;
	}
	const uint8_t *pattern = p->pool + test->at;
	if (is_prefix(pattern, test->bytes)) {
		emit_prefix(m, place, pattern, test->bytes - 1);
		return;
	}
	struct machine a;
	machine_init(&a, pattern, test->bytes);
	emit_fetch(m, place);
	emit_text_match(m, &a, place->op == PROG_TEXT ? place->bytes : PROG_TEXT_BYTES_MAX);
}
