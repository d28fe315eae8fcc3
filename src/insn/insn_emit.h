/* SPDX-License-Identifier: MIT */
/* The instructions that a patch is made of. */
#ifndef CAIRN_INSN_INSN_EMIT_H
#define CAIRN_INSN_INSN_EMIT_H

#include "base/emit.h"

enum {
	INSN_JUMP_BYTES = 5,
	INSN_JUMP_FAR_BYTES = 14,
	INSN_CALL_BYTES_MAX = 13 + INSN_JUMP_FAR_BYTES, /* of insn_emit_return() and a jump */
};

/* The 32 bits that lead from behind a field to the target; false when they do not suffice. */
bool insn_reaches(uint64_t from, uint64_t target, uint32_t *ret);

void insn_emit_jump(struct emit *out, uint64_t target); /* 5 bytes, or fails */
void insn_emit_branch(struct emit *out, unsigned condition, uint64_t target); /* 0 to 15 */

/* A jump of any distance that changes no register and no flag. */
void insn_emit_jump_far(struct emit *out, uint64_t target);

/* Pushes an address, so that a jump thereafter is a call that returns there. */
void insn_emit_return(struct emit *out, uint64_t address);

void insn_emit_trap(struct emit *out);

/* As few instructions as possible that do nothing. */
void insn_emit_nops(struct emit *out, size_t bytes);

#endif
