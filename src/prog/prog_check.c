/* SPDX-License-Identifier: MIT */
/* The rules of the form (README.md), in one pass. Nothing else decides what may run. */
#include "prog/prog.h"

#define NUMBERS(op) [op] = {PROG_NUMBER, PROG_NUMBER, PROG_NUMBER}

const struct prog_shape prog_shapes[PROG_OPS] = {
	[PROG_CONST] = {PROG_NUMBER, PROG_NONE, PROG_NONE},
	[PROG_LOAD] = {PROG_NUMBER, PROG_NONE, PROG_NONE},
	[PROG_LOAD_S] = {PROG_NUMBER, PROG_NONE, PROG_NONE},
	[PROG_TID] = {PROG_NUMBER, PROG_NONE, PROG_NONE},
	NUMBERS(PROG_ADD),
	NUMBERS(PROG_SUB),
	NUMBERS(PROG_MUL),
	NUMBERS(PROG_AND),
	NUMBERS(PROG_OR),
	NUMBERS(PROG_XOR),
	NUMBERS(PROG_SHL),
	NUMBERS(PROG_SHR),
	NUMBERS(PROG_SHR_S),
	[PROG_NEG] = {PROG_NUMBER, PROG_NUMBER, PROG_NONE},
	NUMBERS(PROG_EQ),
	NUMBERS(PROG_NE),
	NUMBERS(PROG_LT),
	NUMBERS(PROG_LE),
	NUMBERS(PROG_LT_S),
	NUMBERS(PROG_LE_S),
	[PROG_NOT] = {PROG_NUMBER, PROG_NUMBER, PROG_NONE},
	[PROG_TEXT] = {PROG_PLACE, PROG_NONE, PROG_NONE},
	[PROG_TEXT_LOC] = {PROG_PLACE, PROG_NONE, PROG_NONE},
	[PROG_TEXT_REL] = {PROG_PLACE, PROG_NONE, PROG_NONE},
	[PROG_TEXT_EQ] = {PROG_NUMBER, PROG_PLACE, PROG_NONE},
	[PROG_TEXT_MATCH] = {PROG_NUMBER, PROG_PLACE, PROG_NONE},
	[PROG_SKIP_IF] = {PROG_NONE, PROG_NUMBER, PROG_NONE},
	[PROG_SKIP_UNLESS] = {PROG_NONE, PROG_NUMBER, PROG_NONE},
	[PROG_RESULT] = {PROG_NONE, PROG_NUMBER, PROG_NONE},
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

/* R3, R4, R5: what the operation says beside its operands. */
static bool immediate_ok(const struct prog *p, uint32_t self)
{
	const struct prog_insn *in = &p->insns[self];
	switch (in->op) {
	case PROG_CONST:
		return true;
	case PROG_LOAD:
	case PROG_LOAD_S:
		return (in->bytes == 1 || in->bytes == 2 || in->bytes == 4 || in->bytes == 8) &&
		       within(in, 8, PROG_RECORD_BYTES_MAX);
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
		return in->value == 0;
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
