/* SPDX-License-Identifier: MIT */
/* The rules of the form (README.md), in one pass. Nothing else decides what may run. */
#include "prog/prog.h"

#define OP(name, makes, a, b) [PROG_##name] = {makes, a, b, #name}
#define NUMBERS(name)         OP(name, PROG_NUMBER, PROG_NUMBER, PROG_NUMBER)

const struct prog_shape prog_shapes[PROG_OPS] = {
	OP(CONST, PROG_NUMBER, PROG_NONE, PROG_NONE),
	OP(LOAD, PROG_NUMBER, PROG_NONE, PROG_NONE),
	OP(LOAD_S, PROG_NUMBER, PROG_NONE, PROG_NONE),
	OP(TID, PROG_NUMBER, PROG_NONE, PROG_NONE),
	NUMBERS(ADD),
	NUMBERS(SUB),
	NUMBERS(MUL),
	NUMBERS(AND),
	NUMBERS(OR),
	NUMBERS(XOR),
	NUMBERS(SHL),
	NUMBERS(SHR),
	NUMBERS(SHR_S),
	OP(NEG, PROG_NUMBER, PROG_NUMBER, PROG_NONE),
	NUMBERS(EQ),
	NUMBERS(NE),
	NUMBERS(LT),
	NUMBERS(LE),
	NUMBERS(LT_S),
	NUMBERS(LE_S),
	OP(NOT, PROG_NUMBER, PROG_NUMBER, PROG_NONE),
	OP(TEXT, PROG_PLACE, PROG_NONE, PROG_NONE),
	OP(TEXT_LOC, PROG_PLACE, PROG_NONE, PROG_NONE),
	OP(TEXT_REL, PROG_PLACE, PROG_NONE, PROG_NONE),
	OP(TEXT_EQ, PROG_NUMBER, PROG_PLACE, PROG_NONE),
	OP(TEXT_MATCH, PROG_NUMBER, PROG_PLACE, PROG_NONE),
	OP(SKIP_IF, PROG_NONE, PROG_NUMBER, PROG_NONE),
	OP(SKIP_UNLESS, PROG_NONE, PROG_NUMBER, PROG_NONE),
	OP(RESULT, PROG_NONE, PROG_NUMBER, PROG_NONE),
	NUMBERS(DIV),
	NUMBERS(DIV_S),
	NUMBERS(MOD),
	NUMBERS(MOD_S),
	OP(EXTEND, PROG_NUMBER, PROG_NUMBER, PROG_NONE),
	OP(EXTEND_S, PROG_NUMBER, PROG_NUMBER, PROG_NONE),
	OP(REG, PROG_NUMBER, PROG_NONE, PROG_NONE),
	OP(PEEK, PROG_NUMBER, PROG_NUMBER, PROG_NONE),
	OP(PEEK_S, PROG_NUMBER, PROG_NUMBER, PROG_NONE),
	OP(READ, PROG_NUMBER, PROG_NUMBER, PROG_NONE),
	OP(READ_S, PROG_NUMBER, PROG_NUMBER, PROG_NONE),
	OP(FAULT, PROG_NUMBER, PROG_NONE, PROG_NONE),
	OP(PUT, PROG_NONE, PROG_NUMBER, PROG_NONE),
	OP(PUT_TEXT, PROG_NONE, PROG_NUMBER, PROG_NONE),
	OP(PUT_BYTES, PROG_NONE, PROG_NUMBER, PROG_NONE),
	OP(OUT_TEXT, PROG_PLACE, PROG_NONE, PROG_NONE),
	OP(COUNT, PROG_NONE, PROG_NUMBER, PROG_NONE),
	OP(HIST, PROG_NONE, PROG_NUMBER, PROG_NONE),
	OP(ENTER, PROG_NONE, PROG_NUMBER, PROG_NONE),
	OP(LEAVE, PROG_NUMBER, PROG_NUMBER, PROG_NONE),
};

/* R2: an operand is an earlier value of the type asked for; an absent one is 0. */
static bool operand_ok(const struct prog *p, uint32_t self, uint8_t type, uint16_t operand)
{
	if (type == PROG_NONE)
		return operand == 0;
	return operand < self && prog_shapes[p->insns[operand].op].makes == type;
}

static bool within(const struct prog_insn *in, uint32_t bytes_max, uint32_t whole)
{
	return in->bytes <= bytes_max && in->at <= whole && in->bytes <= whole - in->at;
}

static bool pool_text_ok(const struct prog *p, const struct prog_insn *in, uint32_t bytes_max)
{
	if (!within(in, bytes_max, p->pool_bytes))
		return false;
	for (uint32_t i = 0; i < in->bytes; i++) {
		if (p->pool[in->at + i] == 0)
			return false;
	}
	return true;
}

static bool is_number_bytes(uint32_t bytes)
{
	return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

/* R3, R10: of the operations on a place of code. */
static bool site_immediate_ok(const struct prog_insn *in)
{
	switch (in->op) {
	case PROG_EXTEND:
	case PROG_EXTEND_S:
	case PROG_PEEK:
	case PROG_PEEK_S:
	case PROG_READ:
	case PROG_READ_S:
		return is_number_bytes(in->bytes) && in->at == 0;
	case PROG_REG:
		return in->at < PROG_REGS && in->bytes == 0;
	case PROG_PUT:
		return is_number_bytes(in->bytes) && within(in, 8, PROG_OUTPUT_BYTES_MAX);
	case PROG_PUT_TEXT:
	case PROG_PUT_BYTES:
		return in->bytes > 0 && within(in, PROG_OUTPUT_BYTES_MAX, PROG_OUTPUT_BYTES_MAX);
	case PROG_OUT_TEXT:
		return in->bytes > 0 && within(in, PROG_TEXT_BYTES_MAX, PROG_OUTPUT_BYTES_MAX);
	case PROG_COUNT:
	case PROG_HIST:
	case PROG_ENTER:
	case PROG_LEAVE:
		return in->at < PROG_CELLS_MAX && in->bytes == 0;
	default:
		return in->value == 0;
	}
}

/* R3, R4, R5: what the operation says beside its operands. */
static bool immediate_ok(const struct prog *p, uint32_t self)
{
	const struct prog_insn *in = &p->insns[self];
	switch (in->op) {
	case PROG_CONST:
		return true;
	case PROG_LOAD:
	case PROG_LOAD_S:
		return is_number_bytes(in->bytes) && within(in, 8, PROG_RECORD_BYTES_MAX);
	case PROG_TEXT:
		return in->bytes > 0 && within(in, PROG_TEXT_BYTES_MAX, PROG_RECORD_BYTES_MAX);
	case PROG_TEXT_LOC:
	case PROG_TEXT_REL:
		return in->bytes == 4 && within(in, 4, PROG_RECORD_BYTES_MAX);
	case PROG_TEXT_EQ:
		return pool_text_ok(p, in, PROG_TEXT_BYTES_MAX - 1);
	case PROG_TEXT_MATCH:
		return pool_text_ok(p, in, PROG_PATTERN_BYTES_MAX);
	case PROG_SKIP_IF:
	case PROG_SKIP_UNLESS:
		return in->bytes == 0 && in->at > self && in->at < p->insn_count;
	default:
		return site_immediate_ok(in);
	}
}

static bool insn_ok(const struct prog *p, uint32_t self)
{
	const struct prog_insn *in = &p->insns[self];
	if (in->op >= PROG_OPS || in->zero[0] || in->zero[1] || in->zero[2])
		return false;
	const struct prog_shape *shape = &prog_shapes[in->op];
	bool last = self + 1 == p->insn_count;
	return last == (in->op == PROG_RESULT) && operand_ok(p, self, shape->a, in->a) &&
	       operand_ok(p, self, shape->b, in->b) && immediate_ok(p, self);
}

bool prog_check(const struct prog *p, uint32_t *bad_ret)
{
	uint32_t bad = 0;
	if (p->insn_count && p->insn_count <= PROG_INSNS_MAX &&
	    p->pool_bytes <= PROG_POOL_BYTES_MAX) {
		while (bad < p->insn_count && insn_ok(p, bad))
			bad++;
		if (bad == p->insn_count)
			return true;
	}
	if (bad_ret)
		*bad_ret = bad;
	return false;
}

uint32_t prog_output_bytes(const struct prog *p)
{
	uint32_t bytes = 0;
	for (uint32_t i = 0; i < p->insn_count; i++) {
		const struct prog_insn *in = &p->insns[i];
		bool puts =
			in->op == PROG_PUT || in->op == PROG_PUT_TEXT || in->op == PROG_PUT_BYTES;
		if (puts && in->at + in->bytes > bytes)
			bytes = in->at + in->bytes;
	}
	return bytes;
}
