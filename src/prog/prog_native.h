/* SPDX-License-Identifier: MIT */
/*
 * The probe program → x86-64, to run in a thread that has come to a place of its code.
 *
 * The code stands in a trampoline that has made room on the thread's stack. It finds registers as
 * they are at the place, or in the frame where it says so; it leaves the ones it does not name in
 * `changes` alone, and vector registers altogether. Flags are lost.
 *
 * N1  What prog_run() gives: the result, the output, what goes into cells, faults.
 * N2  Values live in registers that functions may change, then in the frame. A program that calls
 *     a helper keeps all of them in the frame, and the site's registers too.
 * N3  The length of the code does not depend on any address.
 */
#ifndef CAIRN_PROG_PROG_NATIVE_H
#define CAIRN_PROG_PROG_NATIVE_H

#include "base/emit_x86.h"
#include "prog/prog_life.h"

/*
 * Functions of the target that do what takes more than a few instructions. Each is given the
 * context first, and keeps to the ABI's calling convention without vector registers.
 */
enum prog_helper {
	PROG_HELP_READ,  /* (context, address, bytes) → value, fault */
	PROG_HELP_TEXT,  /* (context, to, address, bytes) → fault: as PROG_PUT_TEXT */
	PROG_HELP_BYTES, /* the same, as PROG_PUT_BYTES */
	PROG_HELP_EQUAL, /* (context, text, bytes at most, wanted, its bytes) → 1 or 0 */
	PROG_HELP_MATCH, /* the same, as PROG_TEXT_MATCH */
	PROG_HELP_TID,   /* (context) → tid */
	PROG_HELP_COUNT, /* (context, cell, key) */
	PROG_HELP_HIST,  /* (context, cell, value) */
	PROG_HELP_ENTER, /* (context, cell, frame) */
	PROG_HELP_LEAVE, /* (context, cell, frame) → ticks, fault */
	PROG_HELPERS,
};

/* A cell in the target's memory. */
struct prog_native_cell {
	uint8_t op;       /* PROG_COUNT, PROG_HIST or PROG_ENTER: what it is for */
	uint64_t address; /* given to helpers */
	/* Of a count, for key 0: a counter for whoever must lock it, then one for each cpu. */
	uint64_t counters;
	uint32_t cpu_count;
	uint32_t counter_shift; /* their distance's log2 */
};

struct prog_native_target {
	uint64_t context;
	uint64_t helpers[PROG_HELPERS];
	const struct prog_native_cell *cells;
	uint32_t cell_count;
	/* Distances from the thread pointer: of the tid, of the rseq area; 0: not known. */
	int32_t tid_at, rseq_at;
};

/* Room on the stack and where things are in it, counted from rsp. */
struct prog_frame {
	uint64_t pc;    /* of the place */
	int32_t rsp_at; /* where the place's rsp points */
	uint32_t saved; /* registers whose values are in the frame, not in themselves */
	int32_t saved_at[X86_REGS];
	int32_t slots_at; /* values: 8 bytes each */
	int32_t fault_at; /* 4 bytes */
	int32_t output_at;
	uint32_t output_bytes; /* zeroed where nothing is put for certain; a multiple of 8 */
};

enum { PROG_NATIVE_LITERAL_MAX = PROG_TEXT_BYTES_MAX };

struct prog_native {
	const struct prog *p;
	const struct prog_native_target *target;
	/* Known after prog_native_plan(). */
	uint32_t changes;    /* registers; rax is always one */
	uint32_t slot_count; /* that the frame must have */
	bool calls;          /* a helper: then `changes` are all that functions may change */
	bool always;         /* the result is a constant that is not 0 */
	/* While it compiles. */
	struct prog_life life;
	const struct prog_frame *frame;
	uint8_t place[PROG_INSNS_MAX];
	uint16_t slot_busy_until[PROG_INSNS_MAX];
	uint16_t reg_busy_until[X86_REGS];
	size_t jumps[PROG_INSNS_MAX]; /* of skips, and of the result: behind the jump */
	uint16_t fused;               /* the comparison whose outcome the flags hold, plus 1 */
	uint8_t fused_condition;
	uint32_t touched;
};

/*
 * Whether a checked program can be compiled for the target: -ENOTSUP (negative errno), with the
 * instruction in `*bad_ret`, when it asks for a record, or for a cell that is not of its kind.
 */
int prog_native_plan(struct prog_native *n, const struct prog *p,
		     const struct prog_native_target *target, uint32_t *bad_ret);

/*
 * Appends the code. It falls through when the result is not 0; else it jumps to where
 * prog_native_land() is called, if ever: always when the result can be 0.
 */
void prog_native_emit(struct prog_native *n, const struct prog_frame *frame, struct emit *out);
void prog_native_land(const struct prog_native *n, struct emit *out);

#endif
