/* SPDX-License-Identifier: MIT */
/*
 * A run of whole instructions that a jump will overwrite, and its copy elsewhere that does the
 * same. The copy returns to the code behind the run by itself.
 *
 * M1  Calls return into original code, never into the copy: unwinders know where they are. So a
 *     call, and a system call for its restart, can only be the last of a run.
 * M2  Behind an instruction that never falls through, a run may only go on over padding.
 * M3  A branch from inside the run to its inside is refused; one to its start stays a branch to
 *     the original place, where the jump will be.
 */
#ifndef CAIRN_INSN_INSN_MOVE_H
#define CAIRN_INSN_INSN_MOVE_H

#include "base/emit.h"
#include "insn/insn.h"

enum {
	INSN_RUN_MAX = INSN_BYTES_MAX,
	/* A copy's bytes at most: each expands to no more than a call of any distance. */
	INSN_COPY_BYTES_MAX = 256,
};

struct insn_run {
	struct insn insns[INSN_RUN_MAX];
	uint8_t count;
	uint8_t bytes; /* up to the end of the last instruction, or of the padding needed */
	bool ends;     /* what follows the run is not reached from it */
};

/* Where each instruction of a run went, counted from the start of both. */
struct insn_copy {
	uint16_t at[INSN_RUN_MAX + 1]; /* the last one: the jump back, if it needs one */
};

/*
 * The shortest run of at least `bytes_min` (at most 15) bytes that can be moved. `code_bytes` ends
 * where the function and its padding end. -EILSEQ: not instructions, or too few; -ENOTSUP: M1 to
 * M3, or an instruction that cannot stand elsewhere.
 */
int insn_run_find(const uint8_t *code, size_t code_bytes, uint64_t address, size_t bytes_min,
		  struct insn_run *ret);

/* As if the run had been found `bias` further up. */
void insn_run_rebase(struct insn_run *run, uint64_t bias);

/* Appends the copy of one instruction; and, behind all, the way back to behind the run. */
void insn_run_move_one(const struct insn_run *run, unsigned index, const uint8_t *code,
		       struct emit *out);
void insn_run_move_end(const struct insn_run *run, struct emit *out);

/* Appends the copy of the run at `code`. -ERANGE: it stands too far away; -ENOSPC: no room. */
int insn_run_move(const struct insn_run *run, const uint8_t *code, struct emit *out,
		  struct insn_copy *ret);

#endif
