/* SPDX-License-Identifier: MIT */
/*
 * Counting, x86-64: the commonest thing a probe does, and without it the dearest, for a locked
 * instruction waits for all the stores of the trampoline before it.
 *
 * So each cpu has a counter of its own, and the plain increment of it is the last instruction of a
 * restartable sequence: the kernel takes a thread that was preempted or interrupted in it to
 * another counter, which is incremented locked. Nothing is tried twice, so single steps pass too.
 *
 *	arm;  the cpu;  none of ours? → locked;  its counter + 1;  disarm;  jump over
 *	struct rseq_cs, at a multiple of 32
 *	signature
 *	locked: the other counter + 1;  disarm
 */
#include "prog/prog_compile.h"

enum {
	RSEQ_CPU = 4, /* in the rseq area */
	RSEQ_SECTION = 8,
	RSEQ_ALIGN = 32,
	RSEQ_SIGNATURE = 0x53053053,
};

/* As the kernel has it. */
struct sequence {
	uint32_t version, flags;
	uint64_t start, bytes, restart;
};

/* Its room is always as long, wherever in it the aligned place falls. */
static void emit_sequence(struct emit *out, struct sequence s, size_t armed)
{
	static const uint8_t nothing[RSEQ_ALIGN];
	size_t before = -emit_here(out) & (RSEQ_ALIGN - 1), after = RSEQ_ALIGN - 1 - before;
	s.restart = emit_here(out) + sizeof(s) + RSEQ_ALIGN - 1 + sizeof(uint32_t);
	emit_bytes(out, nothing, before);
	x86_land(out, armed);
	emit_bytes(out, &s, sizeof(s));
	emit_bytes(out, nothing, after);
	emit_u32(out, RSEQ_SIGNATURE);
}

/* rcx is the first counter. */
static void count_armed(struct emit *out, const struct prog_native_cell *cell, int32_t rseq_at)
{
	struct sequence s = {0};
	size_t armed = x86_lea_ahead(out, X86_RAX);
	x86_store_thread(out, X86_RAX, rseq_at + RSEQ_SECTION);
	s.start = emit_here(out);
	x86_load_thread(out, X86_RAX, rseq_at + RSEQ_CPU);
	x86_alu_const(out, X86_CMP, X86_RAX, (int32_t)cell->cpu_count);
	size_t none = x86_branch(out, X86_NOT_BELOW);
	x86_shift_const(out, X86_SHL, X86_RAX, cell->counter_shift);
	x86_alu(out, X86_ADD, X86_RAX, X86_RCX);
	x86_count(out, false, X86_RAX, 1 << cell->counter_shift);
	s.bytes = emit_here(out) - s.start;
	x86_clear_thread(out, rseq_at + RSEQ_SECTION);
	size_t done = x86_jump(out);
	emit_sequence(out, s, armed);
	x86_land(out, none);
	x86_count(out, true, X86_RCX, 0);
	x86_clear_thread(out, rseq_at + RSEQ_SECTION);
	x86_land(out, done);
}

void compile_count(struct prog_native *n, struct emit *out, const struct prog_native_cell *cell)
{
	compile_touch(n, X86_RCX);
	x86_const(out, X86_RCX, cell->counters);
	if (n->target->rseq_at && cell->cpu_count)
		count_armed(out, cell, n->target->rseq_at);
	else
		x86_count(out, true, X86_RCX, 0);
}
