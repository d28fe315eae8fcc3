/* SPDX-License-Identifier: MIT */
#include "lineinfo/unwind_cfi.h"

#include "base/leb128.h"

#include <dwarf.h>

enum { DWARF_BP = 6, DWARF_SP = 7, DWARF_IP = 16, SIGNAL_SP = 160 };

/* A register plus an offset, at the head of an expression. */
static bool take_base(struct cursor *c, unsigned reg, int64_t *offset_ret)
{
	struct cursor rest = *c;
	uint8_t op = cursor_u8(&rest);

	if (op == DW_OP_bregx ? cursor_uleb(&rest) != reg : op != DW_OP_breg0 + reg)
		return false;
	*offset_ret = cursor_sleb(&rest);
	if (!cursor_ok(&rest))
		return false;
	*c = rest;
	return true;
}

/* What every linker writes for the .plt: 8 more bytes once the entry has pushed its index. */
static bool is_plt(struct cursor c)
{
	static const uint8_t rest[] = {DW_OP_lit15, DW_OP_and, DW_OP_lit11, DW_OP_ge,
				       DW_OP_lit3,  DW_OP_shl, DW_OP_plus};
	int64_t sp, ip;

	if (!take_base(&c, DWARF_SP, &sp) || sp != 8 || !take_base(&c, DWARF_IP, &ip) || ip ||
	    cursor_left(&c) != sizeof(rest))
		return false;
	return __builtin_memcmp(c.at, rest, sizeof(rest)) == 0;
}

static bool is_deref(const struct cursor *c)
{
	return cursor_left(c) == 1 && *c->at == DW_OP_deref;
}

static enum unwind_cfa cfa_expression(struct cursor c, bool signal, int64_t *offset_ret)
{
	struct cursor by_sp = c, by_bp = c;

	if (is_plt(c))
		return UNWIND_CFA_PLT;
	if (take_base(&by_bp, DWARF_BP, offset_ret)) {
		if (cursor_left(&by_bp) == 0)
			return UNWIND_CFA_BP;
		return is_deref(&by_bp) ? UNWIND_CFA_BP_DEREF : UNWIND_CFA_UNKNOWN;
	}
	if (!take_base(&by_sp, DWARF_SP, offset_ret))
		return UNWIND_CFA_UNKNOWN;
	if (cursor_left(&by_sp) == 0)
		return UNWIND_CFA_SP;
	return signal && is_deref(&by_sp) && *offset_ret == SIGNAL_SP ? UNWIND_CFA_SIGNAL
								      : UNWIND_CFA_UNKNOWN;
}

static bool fits(int64_t value, int64_t limit)
{
	return value >= -limit && value < limit;
}

static void set_cfa(struct unwind_rule *ret, const struct cfi_rule *cfa, bool signal)
{
	enum unwind_cfa kind = UNWIND_CFA_UNKNOWN;
	int64_t offset = cfa->offset;

	if (cfa->kind == CFI_EXPRESSION)
		kind = cfa_expression(cfa->expression, signal, &offset);
	else if (cfa->kind == CFI_REGISTER && cfa->reg == DWARF_SP)
		kind = UNWIND_CFA_SP;
	else if (cfa->kind == CFI_REGISTER && cfa->reg == DWARF_BP)
		kind = UNWIND_CFA_BP;
	if (!fits(offset, INT32_MAX) || (signal && kind != UNWIND_CFA_SIGNAL))
		return;
	ret->cfa = (uint8_t)kind;
	if (kind == UNWIND_CFA_SP || kind == UNWIND_CFA_BP || kind == UNWIND_CFA_BP_DEREF)
		ret->cfa_offset = (int32_t)offset;
}

/* False when the frame pointer cannot be had again: the frames above may need it. */
static bool set_bp(struct unwind_rule *ret, const struct cfi_rule *bp)
{
	struct cursor expression = bp->expression;
	int64_t offset = bp->offset;

	if (bp->kind == CFI_NONE || bp->kind == CFI_UNDEFINED || bp->kind == CFI_SAME)
		return true;
	if (bp->kind == CFI_AT_CFA)
		ret->bp = UNWIND_BP_AT_CFA;
	else if (bp->kind == CFI_EXPRESSION && take_base(&expression, DWARF_BP, &offset) &&
		 cursor_left(&expression) == 0)
		ret->bp = UNWIND_BP_AT_BP;
	else
		return false;
	ret->bp_offset = (int16_t)offset;
	return fits(offset, INT16_MAX);
}

struct unwind_rule cfi_table_rule(const struct cfi_state *state, bool signal)
{
	const struct unwind_rule none = {.cfa = UNWIND_CFA_UNKNOWN};
	struct unwind_rule rule = none;

	if (state->ip.kind == CFI_UNDEFINED)
		return (struct unwind_rule){.cfa = UNWIND_CFA_END};
	set_cfa(&rule, &state->cfa, signal);
	if (rule.cfa == UNWIND_CFA_SIGNAL || rule.cfa == UNWIND_CFA_UNKNOWN)
		return rule;
	if (state->ip.kind != CFI_AT_CFA || state->ip.offset != -8 || !set_bp(&rule, &state->bp))
		return none;
	return rule;
}
