/* SPDX-License-Identifier: MIT */
#include "probe/probe_locate.h"

#include <string.h>

enum { STACK_MAX = 32 };

static const char damaged[] = "its location is damaged in the debug information";
static const char entry_only[] = "only what it was when the function was entered is known";

/* The machine of dwarf_location.h, run at compile time over values of the program. */
struct machine {
	struct probe_compiler *c;
	uint16_t stack[STACK_MAX];
	unsigned depth;
	const char *why; /* it cannot go on */
};

static void push(struct machine *m, uint16_t value)
{
	if (m->depth == STACK_MAX)
		m->why = "its location is too deep to compute";
	else
		m->stack[m->depth++] = value;
}

static uint16_t pop(struct machine *m)
{
	if (m->depth == 0)
		m->why = damaged;
	return m->depth ? m->stack[--m->depth] : 0;
}

static void pick(struct machine *m, uint64_t index)
{
	if (index < m->depth)
		push(m, m->stack[m->depth - 1 - index]);
	else
		m->why = damaged;
}

/* The top goes below `count` others. */
static void bury(struct machine *m, unsigned count)
{
	if (m->depth <= count) {
		m->why = damaged;
		return;
	}
	uint16_t *top = &m->stack[m->depth - 1], value = *top;
	memmove(top - count + 1, top - count, count * sizeof(*top));
	*(top - count) = value;
}

static void run_load(struct machine *m, unsigned bytes)
{
	if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
		m->why = damaged;
	else
		push(m, probe_code_load(&m->c->to->code, pop(m), 0, bytes, false, false));
}

/* The file may run anywhere: an address is a distance from the probed place. */
static void run_address(struct machine *m, int64_t address)
{
	struct probe_code *code = &m->c->to->code;
	int64_t distance = address - (int64_t)m->c->place->address;
	push(m, probe_code_offset(code, probe_code_register(code, PROG_REG_PC), distance));
}

static void run_pair(struct machine *m, enum dwarf_do op)
{
	static const struct {
		uint8_t op;
		bool is_swapped;
	} pairs[] = {
		[DWARF_DO_ADD] = {PROG_ADD},
		[DWARF_DO_SUBTRACT] = {PROG_SUB},
		[DWARF_DO_MULTIPLY] = {PROG_MUL},
		[DWARF_DO_DIVIDE] = {PROG_DIV_S},
		[DWARF_DO_MODULO] = {PROG_MOD},
		[DWARF_DO_AND] = {PROG_AND},
		[DWARF_DO_OR] = {PROG_OR},
		[DWARF_DO_XOR] = {PROG_XOR},
		[DWARF_DO_SHIFT_LEFT] = {PROG_SHL},
		[DWARF_DO_SHIFT_RIGHT] = {PROG_SHR},
		[DWARF_DO_SHIFT_RIGHT_SIGNED] = {PROG_SHR_S},
		[DWARF_DO_EQ] = {PROG_EQ},
		[DWARF_DO_NE] = {PROG_NE},
		[DWARF_DO_LT] = {PROG_LT_S},
		[DWARF_DO_LE] = {PROG_LE_S},
		[DWARF_DO_GT] = {PROG_LT_S, true},
		[DWARF_DO_GE] = {PROG_LE_S, true},
	};
	uint16_t b = pop(m), a = pop(m);
	push(m, probe_code_pair(&m->c->to->code, pairs[op].op, pairs[op].is_swapped ? b : a,
				pairs[op].is_swapped ? a : b));
}

static void run_step(struct machine *m, const struct dwarf_step *s)
{
	struct probe_code *code = &m->c->to->code;
	switch (s->op) {
	case DWARF_DO_CONST:
		push(m, probe_code_const(code, s->value));
		break;
	case DWARF_DO_ADDRESS:
		run_address(m, s->value);
		break;
	case DWARF_DO_ENTRY:
		m->why = m->c->place->is_start ? m->why : entry_only;
		push(m, probe_code_register(code, (unsigned)s->value));
		break;
	case DWARF_DO_REGISTER:
		push(m, probe_code_register(code, (unsigned)s->value));
		break;
	case DWARF_DO_LOAD:
		run_load(m, s->bytes);
		break;
	case DWARF_DO_EXTEND:
		push(m, probe_code_extend(code, pop(m), s->bytes, s->value != 0));
		break;
	case DWARF_DO_PICK:
		pick(m, (uint64_t)s->value);
		break;
	case DWARF_DO_DROP:
		pop(m);
		break;
	case DWARF_DO_SWAP:
		bury(m, 1);
		break;
	case DWARF_DO_ROTATE:
		bury(m, 2);
		break;
	case DWARF_DO_NEGATE:
		push(m, probe_code_pair(code, PROG_NEG, pop(m), 0));
		break;
	case DWARF_DO_INVERT:
		push(m, probe_code_pair(code, PROG_XOR, pop(m), probe_code_const(code, -1)));
		break;
	default:
		run_pair(m, s->op);
	}
}

static const char *run_steps(struct probe_compiler *c, const struct dwarf_location *l,
			     const struct dwarf_piece *piece, uint16_t *ret)
{
	struct machine m = {.c = c};
	for (unsigned i = 0; i < piece->count && !m.why; i++)
		run_step(&m, &l->steps[piece->first + i]);
	*ret = m.why ? 0 : pop(&m);
	return m.why;
}

/* `bytes` of a 64-bit number, `at` bytes into it. */
static const char *cut(struct probe_compiler *c, uint16_t whole, uint64_t at, unsigned bytes,
		       bool is_signed, uint16_t *ret)
{
	struct probe_code *code = &c->to->code;
	if (at + bytes > 8)
		return "it is wider than the register that is seen of it";
	if (at)
		whole = probe_code_pair(code, PROG_SHR, whole,
					probe_code_const(code, (int64_t)(8 * at)));
	*ret = probe_code_extend(code, whole, bytes, is_signed);
	return NULL;
}

static const char *load_constant(struct probe_compiler *c, const struct dwarf_piece *piece,
				 uint64_t at, unsigned bytes, bool is_signed, uint16_t *ret)
{
	uint64_t number = 0;
	if (at > piece->data_bytes || bytes > piece->data_bytes - at)
		return damaged;
	memcpy(&number, piece->data + at, bytes);
	*ret = probe_code_extend(&c->to->code, probe_code_const(&c->to->code, (int64_t)number),
				 bytes, is_signed);
	return NULL;
}

static const char *load_piece(struct probe_compiler *c, const struct dwarf_location *l,
			      const struct dwarf_piece *piece, uint64_t at, unsigned bytes,
			      bool is_signed, uint16_t *ret)
{
	struct probe_code *code = &c->to->code;
	uint16_t base;
	const char *why = NULL;
	switch (piece->where) {
	case DWARF_NOWHERE:
		return l->why ? l->why : "optimised out";
	case DWARF_IN_REGISTER:
		return cut(c, probe_code_register(code, piece->number), at, bytes, is_signed, ret);
	case DWARF_IS_BYTES:
		return load_constant(c, piece, at, bytes, is_signed, ret);
	case DWARF_IS_VALUE:
		why = run_steps(c, l, piece, &base);
		return why ? why : cut(c, base, at, bytes, is_signed, ret);
	default: /* DWARF_IN_MEMORY */
		why = run_steps(c, l, piece, &base);
		if (!why)
			*ret = probe_code_load(code, base, (int64_t)at, bytes, is_signed,
					       l->is_mapped);
		return why;
	}
}

const char *probe_locate_load(struct probe_compiler *c, const struct probe_operand *o,
			      unsigned bytes, bool is_signed, uint16_t *ret)
{
	const struct dwarf_location *l = o->location;
	uint64_t at = (uint64_t)o->offset;
	for (unsigned i = 0; i < l->piece_count; i++) {
		const struct dwarf_piece *piece = &l->pieces[i];
		if (!piece->bytes || at + bytes <= piece->bytes)
			return load_piece(c, l, piece, at, bytes, is_signed, ret);
		if (at < piece->bytes)
			return "it is scattered over several registers";
		at -= piece->bytes;
	}
	return "optimised out";
}

bool probe_locate_address(struct probe_compiler *c, const struct dwarf_location *l, uint16_t *ret)
{
	return l->piece_count == 1 && l->pieces[0].where == DWARF_IN_MEMORY &&
	       !run_steps(c, l, &l->pieces[0], ret);
}
