/* SPDX-License-Identifier: MIT */
/* Numbers out of numbers, x86-64. */
#include "prog/prog_compile.h"

bool compile_is_comparison(const struct prog_insn *in)
{
	return (in->op >= PROG_EQ && in->op <= PROG_LE_S) || in->op == PROG_NOT;
}

enum x86_condition compile_compare(struct prog_native *n, struct emit *out,
				   const struct prog_insn *in)
{
	static const uint8_t conditions[PROG_OPS] = {
		[PROG_EQ] = X86_EQUAL,     [PROG_NE] = X86_NOT_EQUAL, [PROG_LT] = X86_BELOW,
		[PROG_LE] = X86_NOT_ABOVE, [PROG_LT_S] = X86_LESS,    [PROG_LE_S] = X86_NOT_GREATER,
		[PROG_NOT] = X86_EQUAL,
	};
	int32_t small;
	int a = compile_fetch(n, out, in->a, X86_RAX);
	if (in->op == PROG_NOT)
		x86_test(out, a);
	else if (compile_is_small(n, in->b, &small))
		x86_alu_const(out, X86_CMP, a, small);
	else
		x86_alu(out, X86_CMP, a, compile_fetch(n, out, in->b, X86_RCX));
	return conditions[in->op];
}

static void compile_alu(struct prog_native *n, struct emit *out, const struct prog_insn *in, int to)
{
	static const uint8_t codes[PROG_OPS] = {[PROG_ADD] = X86_ADD,
						[PROG_SUB] = X86_SUB,
						[PROG_AND] = X86_AND,
						[PROG_OR] = X86_OR,
						[PROG_XOR] = X86_XOR};
	int32_t small;
	compile_fetch_to(n, out, in->a, to);
	if (in->op == PROG_MUL)
		x86_multiply(out, to, compile_fetch(n, out, in->b, X86_RCX));
	else if (compile_is_small(n, in->b, &small))
		x86_alu_const(out, codes[in->op], to, small);
	else
		x86_alu(out, codes[in->op], to, compile_fetch(n, out, in->b, X86_RCX));
}

static void compile_shift(struct prog_native *n, struct emit *out, const struct prog_insn *in,
			  int to)
{
	enum x86_shift op = in->op == PROG_SHL ? X86_SHL : in->op == PROG_SHR ? X86_SHR : X86_SAR;
	int32_t small;
	compile_fetch_to(n, out, in->a, to);
	if (compile_is_small(n, in->b, &small)) {
		x86_shift_const(out, op, to, (unsigned)small & 63);
		return;
	}
	compile_fetch_to(n, out, in->b, X86_RCX);
	x86_shift(out, op, to);
}

/* rax = rax divided by rcx, or what remains; the machine traps where the program wants a number. */
static void compile_division(struct prog_native *n, struct emit *out, const struct prog_insn *in)
{
	bool wants_rest = in->op == PROG_MOD || in->op == PROG_MOD_S;
	bool is_signed = in->op == PROG_DIV_S || in->op == PROG_MOD_S;
	compile_fetch_to(n, out, in->a, X86_RAX);
	compile_fetch_to(n, out, in->b, X86_RCX);
	compile_touch(n, X86_RDX);
	x86_const(out, X86_RDX, 0);
	x86_test(out, X86_RCX);
	size_t by_zero = x86_branch(out, X86_EQUAL), by_minus = 0;
	if (is_signed) {
		x86_alu_const(out, X86_CMP, X86_RCX, -1);
		by_minus = x86_branch(out, X86_EQUAL);
		x86_sign_rax(out);
	}
	x86_unary(out, is_signed ? X86_IDIV : X86_DIV, X86_RCX);
	if (wants_rest)
		x86_move(out, X86_RAX, X86_RDX);
	size_t done = x86_jump(out), negated = 0;
	if (is_signed) {
		x86_land(out, by_minus);
		x86_unary(out, X86_NEG, X86_RAX);
		negated = wants_rest ? 0 : x86_jump(out);
	}
	x86_land(out, by_zero);
	x86_const(out, X86_RAX, 0);
	if (negated)
		x86_land(out, negated);
	x86_land(out, done);
}

void compile_number(struct prog_native *n, struct emit *out, uint16_t self)
{
	const struct prog_insn *in = &n->p->insns[self];
	int to = compile_target(n, self);
	switch (in->op) {
	case PROG_CONST:
		x86_const(out, to, (uint64_t)in->value);
		break;
	case PROG_SHL:
	case PROG_SHR:
	case PROG_SHR_S:
		compile_shift(n, out, in, to);
		break;
	case PROG_NEG:
		compile_fetch_to(n, out, in->a, to);
		x86_unary(out, X86_NEG, to);
		break;
	case PROG_EXTEND:
	case PROG_EXTEND_S:
		x86_extend(out, to, compile_fetch(n, out, in->a, X86_RAX), in->bytes,
			   in->op == PROG_EXTEND_S);
		break;
	case PROG_DIV:
	case PROG_DIV_S:
	case PROG_MOD:
	case PROG_MOD_S:
		compile_division(n, out, in);
		to = X86_RAX;
		break;
	default:
		if (compile_is_comparison(in))
			x86_set(out, compile_compare(n, out, in), to);
		else
			compile_alu(n, out, in, to);
	}
	compile_keep(n, out, self, to);
}
