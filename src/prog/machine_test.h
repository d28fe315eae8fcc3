/* SPDX-License-Identifier: MIT */
/* A thread's whole state put in place, some code run on it, and the state taken down: for tests. */
#ifndef CAIRN_PROG_MACHINE_TEST_H
#define CAIRN_PROG_MACHINE_TEST_H

#include "base/emit_x86.h"
#include "prog/prog.h"

/* Registers are in DWARF's order, as PROG_REG's. */
struct machine {
	uint64_t regs[PROG_REGS];
	uint64_t flags;
	uint64_t regs_after[16];
	uint64_t xmm_after[16];
	uint64_t flags_after;
	uint64_t own_rsp;
};

#define MACHINE_AT(member) ((int32_t)offsetof(struct machine, member))

static const uint8_t machine_regs[16] = {X86_RAX, X86_RDX, X86_RCX, X86_RBX, X86_RSI, X86_RDI,
					 X86_RBP, X86_RSP, X86_R8,  X86_R9,  X86_R10, X86_R11,
					 X86_R12, X86_R13, X86_R14, X86_R15};

static inline void machine_own(struct emit *out, bool back)
{
	static const uint8_t own[] = {X86_RBX, X86_RBP, X86_R12, X86_R13, X86_R14, X86_R15};
	for (int i = 0; i < 6; i++) {
		uint8_t reg = own[back ? 5 - i : i];
		x86_rex(out, false, 0, reg);
		emit_u8(out, (back ? 0x58u : 0x50u) | (reg & 7u));
	}
}

static inline void machine_load_xmm(struct emit *out, int xmm, int base, int32_t at)
{
	emit_u8(out, 0xf3);
	x86_rex(out, false, xmm, base);
	emit_u8(out, 0x0f);
	emit_u8(out, 0x7e);
	x86_at(out, xmm, base, at);
}

/* The start of a function without arguments; what is appended runs with the state of `m`. */
static inline void machine_emit_enter(struct emit *out, struct machine *m)
{
	machine_own(out, false);
	x86_const(out, X86_RDI, (uint64_t)m);
	x86_load(out, X86_RAX, X86_RDI, MACHINE_AT(flags), 8, false);
	emit_u8(out, 0x50); /* push rax; popfq */
	emit_u8(out, 0x9d);
	x86_store(out, X86_RSP, X86_RDI, MACHINE_AT(own_rsp), 8);
	for (int i = 0; i < 16; i++)
		machine_load_xmm(out, i, X86_RDI, MACHINE_AT(regs[PROG_REG_XMM]) + 8 * i);
	for (int i = 0; i < 16; i++) {
		if (machine_regs[i] != X86_RDI)
			x86_load(out, machine_regs[i], X86_RDI, MACHINE_AT(regs) + 8 * i, 8, false);
	}
	x86_load(out, X86_RDI, X86_RDI, MACHINE_AT(regs[5]), 8, false);
}

/* Its end. */
static inline void machine_emit_leave(struct emit *out, struct machine *m)
{
	static const uint8_t flags_to_rcx[] = {0x9c, 0x59, 0xfc}; /* pushfq; pop rcx; cld */
	x86_rex(out, true, 0, 0);
	emit_u8(out, 0xa3); /* rax to an absolute address */
	emit_u64(out, (uint64_t)&m->regs_after[0]);
	x86_const(out, X86_RAX, (uint64_t)m);
	for (int i = 1; i < 16; i++)
		x86_store(out, machine_regs[i], X86_RAX, MACHINE_AT(regs_after) + 8 * i, 8);
	for (int i = 0; i < 16; i++)
		x86_store_xmm(out, i, X86_RAX, MACHINE_AT(xmm_after) + 8 * i);
	x86_load(out, X86_RSP, X86_RAX, MACHINE_AT(own_rsp), 8, false);
	emit_bytes(out, flags_to_rcx, sizeof(flags_to_rcx));
	x86_store(out, X86_RCX, X86_RAX, MACHINE_AT(flags_after), 8);
	machine_own(out, true);
	emit_u8(out, 0xc3);
}

#endif
