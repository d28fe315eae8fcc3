/* SPDX-License-Identifier: MIT */
/*
 * The probe program → eBPF, one instruction after the other. Values live in r7 to r9 while there
 * is room, else on the stack; constants live in the instructions that use them.
 */
#include "bpf/bpf_compile.h"
#include "bpf/bpf_emit.h"
#include "prog/prog_life.h"

#include <string.h>

enum {
	REGISTERS = 3,
	PLACES = 18,                     /* the registers, then slots of the stack */
	SLOTS_AT = EMIT_TEXT_AT - 8 - 8, /* below the text and its length */
	NOWHERE = 255,
};

struct compiler {
	struct emitter m;
	const struct prog *p;
	struct prog_life life;
	uint8_t place[PROG_INSNS_MAX]; /* of values that have one */
	uint16_t busy_until[PLACES];
	size_t jumps[PROG_INSNS_MAX]; /* where the code of a skip jumps from */
	bool crowded;
};

/* A value that nobody can see skipped needs no place when it is a constant. */
static bool is_immediate(const struct compiler *c, uint16_t value)
{
	return c->p->insns[value].op == PROG_CONST && c->life.birth[value] == value;
}

static void give_place(struct compiler *c, uint16_t value, uint16_t now)
{
	for (uint8_t i = 0; i < PLACES; i++) {
		if (c->busy_until[i] >= now && c->busy_until[i])
			continue;
		c->busy_until[i] = c->life.last_use[value];
		c->place[value] = i;
		return;
	}
	c->crowded = true;
}

static int slot_at(uint8_t place)
{
	return SLOTS_AT - 8 * (place - REGISTERS);
}

/* A register that holds the value: its own, or `scratch`. */
static int fetch(struct compiler *c, uint16_t value, int scratch)
{
	uint8_t place = c->place[value];
	if (is_immediate(c, value))
		emit_const(&c->m, scratch, c->p->insns[value].value);
	else if (place < REGISTERS)
		return BPF_REG_7 + place;
	else
		emit_load(&c->m, scratch, BPF_REG_10, slot_at(place), 8);
	return scratch;
}

static void keep(struct compiler *c, uint16_t value, int from)
{
	uint8_t place = c->place[value];
	if (place < REGISTERS)
		emit_alu(&c->m, BPF_MOV, BPF_REG_7 + place, from);
	else
		emit(&c->m, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, from, slot_at(place), 0);
}

static void compile_load(struct compiler *c, const struct prog_insn *in)
{
	emit_record_load(&c->m, BPF_REG_0, in->at, in->bytes);
	if (in->op == PROG_LOAD_S && in->bytes < 8) {
		int unused_bits = 64 - 8 * (int)in->bytes;
		emit_alu_imm(&c->m, BPF_LSH, BPF_REG_0, unused_bits);
		emit_alu_imm(&c->m, BPF_ARSH, BPF_REG_0, unused_bits);
	}
}

/* r0 = a op b. */
static void compile_alu(struct compiler *c, const struct prog_insn *in, int op, bool shift)
{
	emit_alu(&c->m, BPF_MOV, BPF_REG_0, fetch(c, in->a, BPF_REG_0));
	int64_t value = c->p->insns[in->b].value;
	if (is_immediate(c, in->b) && (shift || value == (int32_t)value)) {
		emit_alu_imm(&c->m, op, BPF_REG_0, (int32_t)(shift ? value & 63 : value));
		return;
	}
	int b = fetch(c, in->b, BPF_REG_1);
	if (shift) {
		emit_alu(&c->m, BPF_MOV, BPF_REG_1, b);
		emit_alu_imm(&c->m, BPF_AND, BPF_REG_1, 63);
		b = BPF_REG_1;
	}
	emit_alu(&c->m, op, BPF_REG_0, b);
}

/* r0 = whether a and b compare so. */
static void compile_comparison(struct compiler *c, const struct prog_insn *in, int op)
{
	int a = fetch(c, in->a, BPF_REG_1);
	int64_t value = c->p->insns[in->b].value;
	bool immediate = is_immediate(c, in->b) && value == (int32_t)value;
	int b = immediate ? 0 : fetch(c, in->b, BPF_REG_2);
	emit_alu_imm(&c->m, BPF_MOV, BPF_REG_0, 1);
	if (immediate)
		emit_jump_imm(&c->m, op, a, (int32_t)value, 1);
	else
		emit(&c->m, BPF_JMP | BPF_X | op, a, b, 1, 0);
	emit_alu_imm(&c->m, BPF_MOV, BPF_REG_0, 0);
}

/* r0 = the instruction's value. */
static void compile_value(struct compiler *c, const struct prog_insn *in)
{
	static const struct {
		uint8_t alu, jump;
		bool shift;
	} codes[PROG_OPS] = {
		[PROG_ADD] = {.alu = BPF_ADD},
		[PROG_SUB] = {.alu = BPF_SUB},
		[PROG_MUL] = {.alu = BPF_MUL},
		[PROG_AND] = {.alu = BPF_AND},
		[PROG_OR] = {.alu = BPF_OR},
		[PROG_XOR] = {.alu = BPF_XOR},
		[PROG_SHL] = {.alu = BPF_LSH, .shift = true},
		[PROG_SHR] = {.alu = BPF_RSH, .shift = true},
		[PROG_SHR_S] = {.alu = BPF_ARSH, .shift = true},
		[PROG_EQ] = {.jump = BPF_JEQ},
		[PROG_NE] = {.jump = BPF_JNE},
		[PROG_LT] = {.jump = BPF_JLT},
		[PROG_LE] = {.jump = BPF_JLE},
		[PROG_LT_S] = {.jump = BPF_JSLT},
		[PROG_LE_S] = {.jump = BPF_JSLE},
	};
	switch (in->op) {
	case PROG_CONST:
		emit_const(&c->m, BPF_REG_0, in->value);
		break;
	case PROG_LOAD:
	case PROG_LOAD_S:
		compile_load(c, in);
		break;
	case PROG_TID:
		emit_call(&c->m, BPF_FUNC_get_current_pid_tgid);
		emit(&c->m, BPF_ALU | BPF_X | BPF_MOV, BPF_REG_0, BPF_REG_0, 0, 0);
		break;
	case PROG_NEG:
		emit_alu(&c->m, BPF_MOV, BPF_REG_0, fetch(c, in->a, BPF_REG_0));
		emit(&c->m, BPF_ALU64 | BPF_NEG, BPF_REG_0, 0, 0, 0);
		break;
	case PROG_NOT: {
		int a = fetch(c, in->a, BPF_REG_1);
		emit_alu_imm(&c->m, BPF_MOV, BPF_REG_0, 1);
		emit_jump_imm(&c->m, BPF_JEQ, a, 0, 1);
		emit_alu_imm(&c->m, BPF_MOV, BPF_REG_0, 0);
		break;
	}
	case PROG_TEXT_EQ:
	case PROG_TEXT_MATCH:
		emit_text_test(&c->m, c->p, &c->p->insns[in->a], in);
		break;
	default:
		if (codes[in->op].jump)
			compile_comparison(c, in, codes[in->op].jump);
		else
			compile_alu(c, in, codes[in->op].alu, codes[in->op].shift);
	}
}

/* What is skipped and still looked at is 0 (R6): it gets its place and its 0 before the jump. */
static void compile_skip(struct compiler *c, uint16_t self)
{
	const struct prog_insn *in = &c->p->insns[self];
	int zero = -1;
	for (uint32_t v = self + 1u; v < c->p->insn_count; v++) {
		if (c->life.birth[v] != self)
			continue;
		give_place(c, (uint16_t)v, self);
		if (zero < 0)
			emit_alu_imm(&c->m, BPF_MOV, zero = BPF_REG_0, 0);
		keep(c, (uint16_t)v, zero);
	}
	int a = fetch(c, in->a, BPF_REG_1);
	c->jumps[self] = c->m.count;
	emit_jump_imm(&c->m, in->op == PROG_SKIP_IF ? BPF_JNE : BPF_JEQ, a, 0, 0);
}

static void land_skips(struct compiler *c, uint16_t target)
{
	for (uint16_t s = 0; s < target; s++) {
		const struct prog_insn *in = &c->p->insns[s];
		if (!prog_is_skip(in) || in->at != target || c->jumps[s] >= c->m.count)
			continue;
		size_t off = c->m.count - c->jumps[s] - 1;
		c->m.insns[c->jumps[s]].off = (int16_t)off;
		c->m.full |= off > INT16_MAX;
	}
}

static void compile_result(struct compiler *c, const struct prog_insn *in,
			   const struct bpf_exit *exit)
{
	struct emitter *m = &c->m;
	emit_alu(m, BPF_MOV, BPF_REG_0, fetch(c, in->a, BPF_REG_0));
	if (exit->prog_array_fd >= 0) {
		size_t first = m->count;
		emit_jump_imm(m, BPF_JEQ, BPF_REG_0, 0, EMIT_PENDING);
		emit_alu(m, BPF_MOV, BPF_REG_1, BPF_REG_6);
		emit(m, BPF_LD | BPF_DW | BPF_IMM, BPF_REG_2, BPF_PSEUDO_MAP_FD, 0,
		     exit->prog_array_fd);
		emit(m, 0, 0, 0, 0, 0);
		emit_alu_imm(m, BPF_MOV, BPF_REG_3, (int32_t)exit->prog_index);
		emit_call(m, BPF_FUNC_tail_call);
		emit_alu_imm(m, BPF_MOV, BPF_REG_0, 0);
		emit_land(m, first);
	}
	emit(m, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void compile_insn(struct compiler *c, uint16_t self, const struct bpf_exit *exit)
{
	const struct prog_insn *in = &c->p->insns[self];
	land_skips(c, self);
	if (in->op == PROG_RESULT) {
		compile_result(c, in, exit);
	} else if (prog_is_skip(in)) {
		compile_skip(c, self);
	} else if (c->life.last_use[self] && !is_immediate(c, self)) {
		if (c->life.birth[self] == self)
			give_place(c, self, self);
		compile_value(c, in);
		keep(c, self, BPF_REG_0);
	}
}

int bpf_compile(const struct prog *p, const struct bpf_exit *exit, struct bpf_insn *insns,
		size_t max, size_t *count_ret, struct err *e)
{
	if (!prog_check(p, NULL))
		return err_set(e, EINVAL, "the probe program breaks the rules of its form");
	for (uint32_t i = 0; i < p->insn_count; i++) {
		if (p->insns[i].op > PROG_RESULT)
			return err_set(e, ENOTSUP, "a program in the kernel has no operation %s",
				       prog_shapes[p->insns[i].op].name);
	}
	struct compiler c = {.m = {.insns = insns, .max = max}, .p = p};
	prog_life_find(p, &c.life);
	memset(c.place, NOWHERE, sizeof(c.place));
	emit_alu(&c.m, BPF_MOV, BPF_REG_6, BPF_REG_1);
	for (uint16_t i = 0; i < p->insn_count && !c.crowded; i++)
		compile_insn(&c, i, exit);
	if (c.crowded)
		return err_set(e, E2BIG,
			       "the condition keeps too many values at a time for the kernel");
	if (c.m.full)
		return err_set(e, E2BIG, "the condition is too long for the kernel");
	*count_ret = c.m.count;
	return 0;
}
