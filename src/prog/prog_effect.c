/* SPDX-License-Identifier: MIT */
/* Registers, memory, output and cells, x86-64: a few instructions, or the call of a helper. */
#include "prog/prog_compile.h"

static bool counts_inline(const struct prog_native *n, const struct prog_insn *in)
{
	int32_t key;
	return in->op == PROG_COUNT && compile_is_small(n, in->a, &key) && key == 0;
}

bool compile_calls(const struct prog_native *n, const struct prog_insn *in)
{
	switch (in->op) {
	case PROG_TID:
		return n->target->tid_at == 0;
	case PROG_COUNT:
		return !counts_inline(n, in);
	case PROG_READ:
	case PROG_READ_S:
	case PROG_PUT_TEXT:
	case PROG_PUT_BYTES:
	case PROG_TEXT_EQ:
	case PROG_TEXT_MATCH:
	case PROG_HIST:
	case PROG_ENTER:
	case PROG_LEAVE:
		return true;
	default:
		return false;
	}
}

/* Whether every run that records comes to this instruction. */
static bool is_certain(const struct prog *p, uint32_t self)
{
	for (uint32_t s = 0; s < self; s++) {
		if (prog_is_skip(&p->insns[s]) && p->insns[s].at > self)
			return false;
	}
	return true;
}

static bool is_put(const struct prog_insn *in)
{
	return in->op == PROG_PUT || in->op == PROG_PUT_TEXT || in->op == PROG_PUT_BYTES;
}

/* How far the output from `at` on, up to 8 bytes, is put by instructions that always run. */
static uint32_t certain_end(const struct prog *p, uint32_t at)
{
	uint32_t end = at;
	for (bool grown = true; grown && end < at + 8;) {
		grown = false;
		for (uint32_t i = 0; i < p->insn_count; i++) {
			const struct prog_insn *in = &p->insns[i];
			if (is_put(in) && in->at <= end && in->at + in->bytes > end &&
			    is_certain(p, i)) {
				end = in->at + in->bytes;
				grown = true;
			}
		}
	}
	return end;
}

/* Texts in the output are looked at before all of it is put. */
static bool reads_output(const struct prog *p)
{
	for (uint32_t i = 0; i < p->insn_count; i++) {
		if (p->insns[i].op == PROG_OUT_TEXT)
			return true;
	}
	return false;
}

void compile_zero_output(const struct prog_native *n, struct emit *out)
{
	const struct prog_frame *f = n->frame;
	bool all = reads_output(n->p);
	for (uint32_t at = 0; at < f->output_bytes; at += 8) {
		if (all || certain_end(n->p, at) < at + 8)
			x86_store_const(out, 0, X86_RSP, f->output_at + (int32_t)at, 8);
	}
	for (uint32_t i = 0; i < n->p->insn_count; i++) {
		if (n->p->insns[i].op == PROG_FAULT) {
			x86_store_const(out, 0, X86_RSP, f->fault_at, 4);
			return;
		}
	}
}

static void call(struct prog_native *n, struct emit *out, enum prog_helper helper)
{
	n->touched |= X86_CALLER_SAVED;
	x86_const(out, X86_RDI, n->target->context);
	x86_call(out, n->target->helpers[helper]);
}

/* What a helper says of a fault, beside faults before. */
static void keep_fault(struct prog_native *n, struct emit *out, int from)
{
	x86_rex(out, false, from, X86_RSP);
	emit_u8(out, X86_OR << 3 | 1);
	x86_at(out, from, X86_RSP, n->frame->fault_at);
}

static int32_t output_at(const struct prog_native *n, const struct prog_insn *in)
{
	return n->frame->output_at + (int32_t)in->at;
}

static void compile_read(struct prog_native *n, struct emit *out, const struct prog_insn *in)
{
	compile_fetch_to(n, out, in->a, X86_RSI);
	x86_const(out, X86_RDX, in->bytes);
	call(n, out, PROG_HELP_READ);
	keep_fault(n, out, X86_RDX);
	if (in->op == PROG_READ_S)
		x86_extend(out, X86_RAX, X86_RAX, in->bytes, true);
}

static void compile_put(struct prog_native *n, struct emit *out, const struct prog_insn *in)
{
	const struct prog_insn *a = &n->p->insns[in->a];
	int32_t small, at = output_at(n, in);
	if (compile_is_small(n, in->a, &small))
		x86_store_const(out, small, X86_RSP, at, in->bytes);
	else if (a->op == PROG_REG && a->at >= PROG_REG_XMM && in->bytes == 8 &&
		 n->life.birth[in->a] == in->a)
		x86_store_xmm(out, (int)a->at - PROG_REG_XMM, X86_RSP, at);
	else
		x86_store(out, compile_fetch(n, out, in->a, X86_RAX), X86_RSP, at, in->bytes);
}

static void compile_copy(struct prog_native *n, struct emit *out, const struct prog_insn *in)
{
	compile_fetch_to(n, out, in->a, X86_RDX);
	x86_lea(out, X86_RSI, X86_RSP, output_at(n, in));
	x86_const(out, X86_RCX, in->bytes);
	call(n, out, in->op == PROG_PUT_TEXT ? PROG_HELP_TEXT : PROG_HELP_BYTES);
	keep_fault(n, out, X86_RAX);
}

/* The text it is compared with stands in the code, which goes around it. */
static void compile_text_test(struct prog_native *n, struct emit *out, const struct prog_insn *in)
{
	const struct prog_insn *place = &n->p->insns[in->a];
	size_t wanted = x86_lea_ahead(out, X86_RCX), around = x86_jump(out);
	x86_land(out, wanted);
	emit_bytes(out, n->p->pool + in->at, in->bytes);
	x86_land(out, around);
	x86_lea(out, X86_RSI, X86_RSP, output_at(n, place));
	x86_const(out, X86_RDX, place->bytes);
	x86_const(out, X86_R8, in->bytes);
	call(n, out, in->op == PROG_TEXT_EQ ? PROG_HELP_EQUAL : PROG_HELP_MATCH);
}

static void compile_cell(struct prog_native *n, struct emit *out, const struct prog_insn *in)
{
	static const uint8_t helpers[PROG_OPS] = {
		[PROG_COUNT] = PROG_HELP_COUNT,
		[PROG_HIST] = PROG_HELP_HIST,
		[PROG_ENTER] = PROG_HELP_ENTER,
		[PROG_LEAVE] = PROG_HELP_LEAVE,
	};
	if (counts_inline(n, in)) {
		compile_count(n, out, &n->target->cells[in->at]);
		return;
	}
	compile_fetch_to(n, out, in->a, X86_RDX);
	x86_const(out, X86_RSI, n->target->cells[in->at].address);
	call(n, out, helpers[in->op]);
	if (in->op == PROG_LEAVE)
		keep_fault(n, out, X86_RDX);
}

/* Those that make a number make it in rax. */
static void compile_rax(struct prog_native *n, struct emit *out, const struct prog_insn *in)
{
	switch (in->op) {
	case PROG_TID:
		if (n->target->tid_at)
			x86_load_thread(out, X86_RAX, n->target->tid_at);
		else
			call(n, out, PROG_HELP_TID);
		break;
	case PROG_FAULT:
		x86_load(out, X86_RAX, X86_RSP, n->frame->fault_at, 4, false);
		x86_store_const(out, 0, X86_RSP, n->frame->fault_at, 4);
		break;
	case PROG_READ:
	case PROG_READ_S:
		compile_read(n, out, in);
		break;
	case PROG_PUT:
		compile_put(n, out, in);
		break;
	case PROG_PUT_TEXT:
	case PROG_PUT_BYTES:
		compile_copy(n, out, in);
		break;
	case PROG_TEXT_EQ:
	case PROG_TEXT_MATCH:
		compile_text_test(n, out, in);
		break;
	default:
		compile_cell(n, out, in);
	}
}

void compile_effect(struct prog_native *n, struct emit *out, uint16_t self)
{
	const struct prog_insn *in = &n->p->insns[self];
	if (in->op == PROG_PEEK || in->op == PROG_PEEK_S) {
		int to = compile_target(n, self);
		x86_load(out, to, compile_fetch(n, out, in->a, X86_RAX), 0, in->bytes,
			 in->op == PROG_PEEK_S);
		compile_keep(n, out, self, to);
		return;
	}
	compile_rax(n, out, in);
	if (prog_shapes[in->op].makes == PROG_NUMBER)
		compile_keep(n, out, self, X86_RAX);
}
