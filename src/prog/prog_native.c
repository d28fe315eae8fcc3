/* SPDX-License-Identifier: MIT */
/*
 * The back end's frame: places for values, skips, the result.
 *
 * What a program will change is found out by compiling it into nothing, again until what is
 * changed is what was said to be saved: a register that is saved is read from the frame, which may
 * take one more.
 */
#include "prog/prog_compile.h"

enum {
	NOWHERE = 255,
	POOL_COUNT = 6,
	FIRST_SLOT = X86_REGS, /* places are registers, then slots */
	NOT_SUPPORTED = 95,    /* as errno has it, without a libc */
};

static const uint8_t pool[POOL_COUNT] = {X86_R8, X86_R9, X86_R10, X86_R11, X86_RSI, X86_RDI};

/* DWARF's numbers of registers, as instructions have them. */
static const uint8_t machine_regs[16] = {X86_RAX, X86_RDX, X86_RCX, X86_RBX, X86_RSI, X86_RDI,
					 X86_RBP, X86_RSP, X86_R8,  X86_R9,  X86_R10, X86_R11,
					 X86_R12, X86_R13, X86_R14, X86_R15};

/* What needs no place: it is where it was, or in the instructions that use it. */
static bool is_immediate(const struct prog_native *n, uint16_t value)
{
	uint8_t op = n->p->insns[value].op;
	return (op == PROG_CONST || op == PROG_REG) && n->life.birth[value] == value;
}

bool compile_is_small(const struct prog_native *n, uint16_t value, int32_t *ret)
{
	const struct prog_insn *in = &n->p->insns[value];
	*ret = (int32_t)in->value;
	return in->op == PROG_CONST && is_immediate(n, value) && in->value == *ret;
}

static int32_t slot_at(const struct prog_native *n, uint8_t place)
{
	return n->frame->slots_at + 8 * (place - FIRST_SLOT);
}

static int fetch_reg(struct prog_native *n, struct emit *out, uint32_t at, int scratch)
{
	const struct prog_frame *f = n->frame;
	int reg = at < 16 ? machine_regs[at] : 0;
	if (at < 16 && reg != X86_RSP && !(f->saved & 1u << reg))
		return reg;
	compile_touch(n, scratch);
	if (at == PROG_REG_PC)
		x86_const(out, scratch, f->pc);
	else if (at >= PROG_REG_XMM)
		x86_move_xmm(out, scratch, (int)at - PROG_REG_XMM);
	else if (reg == X86_RSP)
		x86_lea(out, scratch, X86_RSP, f->rsp_at);
	else
		x86_load(out, scratch, X86_RSP, f->saved_at[reg], 8, false);
	return scratch;
}

int compile_fetch(struct prog_native *n, struct emit *out, uint16_t value, int scratch)
{
	const struct prog_insn *in = &n->p->insns[value];
	uint8_t place = n->place[value];
	if (!is_immediate(n, value) && place < FIRST_SLOT)
		return place;
	if (is_immediate(n, value) && in->op == PROG_REG)
		return fetch_reg(n, out, in->at, scratch);
	compile_touch(n, scratch);
	if (is_immediate(n, value))
		x86_const(out, scratch, (uint64_t)in->value);
	else
		x86_load(out, scratch, X86_RSP, slot_at(n, place), 8, false);
	return scratch;
}

void compile_fetch_to(struct prog_native *n, struct emit *out, uint16_t value, int to)
{
	int from = compile_fetch(n, out, value, to);
	compile_touch(n, to);
	x86_move(out, to, from);
}

/* What only the next instruction asks for, and first, stays where it is made. */
static bool is_passed_on(const struct prog_native *n, uint16_t value)
{
	return n->life.birth[value] == value && n->life.last_use[value] == value + 1 &&
	       n->p->insns[value + 1].a == value;
}

static void give_place(struct prog_native *n, uint16_t value, uint16_t now)
{
	uint16_t until = n->life.last_use[value];
	if (is_passed_on(n, value)) {
		n->place[value] = X86_RAX;
		return;
	}
	for (unsigned i = 0; i < POOL_COUNT && !n->calls; i++) {
		uint16_t *busy_until = &n->reg_busy_until[pool[i]];
		if (*busy_until && *busy_until >= now)
			continue;
		*busy_until = until;
		n->place[value] = pool[i];
		return;
	}
	/* Ends: whoever uses two values is one instruction, so fewer than 200 live at a time. */
	uint8_t i = 0;
	while (n->slot_busy_until[i] && n->slot_busy_until[i] >= now)
		i++;
	n->slot_busy_until[i] = until;
	n->place[value] = (uint8_t)(FIRST_SLOT + i);
	if (n->slot_count <= i)
		n->slot_count = i + 1u;
}

int compile_target(struct prog_native *n, uint16_t value)
{
	int to = n->place[value] < FIRST_SLOT ? n->place[value] : X86_RAX;
	compile_touch(n, to);
	return to;
}

void compile_keep(struct prog_native *n, struct emit *out, uint16_t value, int from)
{
	uint8_t place = n->place[value];
	if (place == NOWHERE)
		return;
	if (place < FIRST_SLOT) {
		compile_touch(n, place);
		x86_move(out, place, from);
	} else {
		x86_store(out, from, X86_RSP, slot_at(n, place), 8);
	}
}

/* What is skipped and still looked at is 0 (R6): it gets its place and its 0 before the jump. */
static void zero_skipped(struct prog_native *n, struct emit *out, uint16_t self)
{
	for (uint32_t v = self + 1u; v < n->p->insn_count; v++) {
		if (n->life.birth[v] != self)
			continue;
		give_place(n, (uint16_t)v, self);
		uint8_t place = n->place[v];
		if (place < FIRST_SLOT) {
			compile_touch(n, place);
			x86_const(out, place, 0);
		} else {
			x86_store_const(out, 0, X86_RSP, slot_at(n, place), 8);
		}
	}
}

/* The condition under which value a is not 0. */
static enum x86_condition test(struct prog_native *n, struct emit *out, uint16_t a)
{
	if (n->fused == a + 1u)
		return n->fused_condition;
	int reg = compile_fetch(n, out, a, X86_RAX);
	x86_test(out, reg);
	return X86_NOT_EQUAL;
}

static void compile_skip(struct prog_native *n, struct emit *out, uint16_t self)
{
	const struct prog_insn *in = &n->p->insns[self];
	zero_skipped(n, out, self);
	enum x86_condition if_set = test(n, out, in->a);
	n->jumps[self] = x86_branch(out, in->op == PROG_SKIP_IF ? if_set : if_set ^ 1);
}

static void land_skips(struct prog_native *n, struct emit *out, uint16_t target)
{
	for (uint16_t s = 0; s < target; s++) {
		if (prog_is_skip(&n->p->insns[s]) && n->p->insns[s].at == target)
			x86_land(out, n->jumps[s]);
	}
}

static void compile_result(struct prog_native *n, struct emit *out, uint16_t self)
{
	uint16_t a = n->p->insns[self].a;
	if (!n->always)
		n->jumps[self] = x86_branch(out, test(n, out, a) ^ 1);
}

/* A comparison that only the next instruction asks for stays in the flags. */
static bool is_fused(const struct prog_native *n, uint16_t self)
{
	const struct prog_insn *next = &n->p->insns[self + 1];
	return compile_is_comparison(&n->p->insns[self]) && is_passed_on(n, self) &&
	       (prog_is_skip(next) || next->op == PROG_RESULT);
}

/* A register's value that is kept because it may be skipped. */
static void compile_reg(struct prog_native *n, struct emit *out, uint16_t self)
{
	int scratch = compile_target(n, self);
	compile_keep(n, out, self, fetch_reg(n, out, n->p->insns[self].at, scratch));
}

static bool has_effect(uint8_t op)
{
	return prog_shapes[op].makes == PROG_NONE || op == PROG_READ || op == PROG_READ_S ||
	       op == PROG_FAULT || op == PROG_LEAVE;
}

static bool is_number(const struct prog_insn *in)
{
	return prog_shapes[in->op].makes == PROG_NUMBER && in->op != PROG_TID &&
	       in->op != PROG_TEXT_EQ && in->op != PROG_TEXT_MATCH && in->op < PROG_REG;
}

static void compile_insn(struct prog_native *n, struct emit *out, uint16_t self)
{
	const struct prog_insn *in = &n->p->insns[self];
	land_skips(n, out, self);
	if (in->op == PROG_RESULT) {
		compile_result(n, out, self);
	} else if (prog_is_skip(in)) {
		compile_skip(n, out, self);
	} else if (is_fused(n, self)) {
		n->fused_condition = (uint8_t)compile_compare(n, out, in);
		n->fused = (uint16_t)(self + 1);
	} else if ((n->life.last_use[self] || has_effect(in->op)) && !is_immediate(n, self)) {
		if (n->life.last_use[self] && n->life.birth[self] == self)
			give_place(n, self, self);
		if (in->op == PROG_REG)
			compile_reg(n, out, self);
		else if (is_number(in))
			compile_number(n, out, self);
		else
			compile_effect(n, out, self);
	}
}

static void compile(struct prog_native *n, const struct prog_frame *frame, struct emit *out)
{
	n->frame = frame;
	n->touched = 1u << X86_RAX;
	n->fused = 0;
	__builtin_memset(n->place, NOWHERE, sizeof(n->place));
	__builtin_memset(n->slot_busy_until, 0, sizeof(n->slot_busy_until));
	__builtin_memset(n->reg_busy_until, 0, sizeof(n->reg_busy_until));
	compile_zero_output(n, out);
	for (uint16_t i = 0; i < n->p->insn_count; i++)
		compile_insn(n, out, i);
}

static bool can_compile(const struct prog_native *n, const struct prog_insn *in)
{
	const struct prog_native_target *t = n->target;
	switch (in->op) {
	case PROG_LOAD:
	case PROG_LOAD_S:
	case PROG_TEXT:
	case PROG_TEXT_LOC:
	case PROG_TEXT_REL:
		return false;
	case PROG_COUNT:
	case PROG_HIST:
	case PROG_ENTER:
		return in->at < t->cell_count && t->cells[in->at].op == in->op;
	case PROG_LEAVE:
		return in->at < t->cell_count && t->cells[in->at].op == PROG_ENTER;
	default:
		return true;
	}
}

int prog_native_plan(struct prog_native *n, const struct prog *p,
		     const struct prog_native_target *target, uint32_t *bad_ret)
{
	n->p = p;
	n->target = target;
	n->calls = false;
	n->slot_count = 0;
	prog_life_find(p, &n->life);
	for (uint32_t i = 0; i < p->insn_count; i++) {
		*bad_ret = i;
		if (!can_compile(n, &p->insns[i]))
			return -NOT_SUPPORTED;
		n->calls |= compile_calls(n, &p->insns[i]);
	}
	int32_t result;
	uint16_t last = p->insns[p->insn_count - 1].a;
	n->always = compile_is_small(n, last, &result) && result;
	struct prog_frame frame = {.saved = n->calls ? X86_CALLER_SAVED : 1u << X86_RAX};
	struct emit nothing = {.failed = true};
	do {
		n->changes = frame.saved;
		compile(n, &frame, &nothing);
		frame.saved |= n->touched;
	} while (frame.saved != n->changes);
	return 0;
}

void prog_native_emit(struct prog_native *n, const struct prog_frame *frame, struct emit *out)
{
	compile(n, frame, out);
}

void prog_native_land(const struct prog_native *n, struct emit *out)
{
	if (!n->always)
		x86_land(out, n->jumps[n->p->insn_count - 1]);
}
