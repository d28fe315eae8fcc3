/* SPDX-License-Identifier: MIT */
/*
 * Writing eBPF instructions one after the other. Running out of room is sticky (`full`).
 *
 * Registers: r0 to r5 are scratch, r6 holds the record's address, r7 to r9 hold values. On the
 * stack, a text's bytes lie on top and values that found no register below them.
 */
#ifndef CAIRN_BPF_BPF_EMIT_H
#define CAIRN_BPF_BPF_EMIT_H

#include "prog/prog.h"

#include <linux/bpf.h>

enum {
	EMIT_TEXT_BYTES = PROG_TEXT_BYTES_MAX + 1, /* with a NUL behind it */
	EMIT_TEXT_AT = -EMIT_TEXT_BYTES,           /* from the frame's end */
	EMIT_PENDING = 0x7fff,                     /* a jump whose end is not known yet */
};

struct emitter {
	struct bpf_insn *insns;
	size_t count, max;
	bool full;
};

static inline void emit(struct emitter *m, int code, int dst, int src, int off, int32_t imm)
{
	if (m->count >= m->max) {
		m->full = true;
		return;
	}
	m->insns[m->count++] = (struct bpf_insn){.code = (uint8_t)code,
						 .dst_reg = (uint8_t)(dst & 15),
						 .src_reg = (uint8_t)(src & 15),
						 .off = (int16_t)off,
						 .imm = imm};
}

static inline void emit_alu(struct emitter *m, int op, int dst, int src)
{
	emit(m, BPF_ALU64 | BPF_X | op, dst, src, 0, 0);
}

static inline void emit_alu_imm(struct emitter *m, int op, int dst, int32_t imm)
{
	emit(m, BPF_ALU64 | BPF_K | op, dst, 0, 0, imm);
}

static inline void emit_const(struct emitter *m, int dst, int64_t value)
{
	if (value == (int32_t)value) {
		emit_alu_imm(m, BPF_MOV, dst, (int32_t)value);
		return;
	}
	emit(m, BPF_LD | BPF_DW | BPF_IMM, dst, 0, 0, (int32_t)value);
	emit(m, 0, 0, 0, 0, (int32_t)(value >> 32));
}

static inline void emit_load(struct emitter *m, int dst, int src, int off, unsigned bytes)
{
	int size = bytes == 1 ? BPF_B : bytes == 2 ? BPF_H : bytes == 4 ? BPF_W : BPF_DW;
	emit(m, BPF_LDX | BPF_MEM | size, dst, src, off, 0);
}

static inline void emit_jump_imm(struct emitter *m, int op, int dst, int32_t imm, int off)
{
	emit(m, BPF_JMP | BPF_K | op, dst, 0, off, imm);
}

static inline void emit_call(struct emitter *m, int helper)
{
	emit(m, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

/* Ends every pending jump from `first` on here. */
static inline void emit_land(struct emitter *m, size_t first)
{
	for (size_t i = first; i < m->count; i++) {
		if (m->insns[i].off != EMIT_PENDING)
			continue;
		size_t off = m->count - i - 1;
		m->insns[i].off = (int16_t)off;
		m->full |= off >= EMIT_PENDING;
	}
}

/* bpf_text.c: r0 = whether the text at `place` passes the test; r1 to r5 are lost. */
void emit_text_test(struct emitter *m, const struct prog *p, const struct prog_insn *place,
		    const struct prog_insn *test);

/* dst = the record's `bytes` at `at`, zero-extended; other scratch registers may be lost. */
void emit_record_load(struct emitter *m, int dst, uint32_t at, unsigned bytes);

#endif
