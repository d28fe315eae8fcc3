/* SPDX-License-Identifier: MIT */
/*
 * One step up a stack: registers of a frame and its rule → registers of the caller.
 *
 * Every step moves the stack pointer up, except out of a signal handler, which may have had a
 * stack of its own; the caller bounds the number of steps by UNWIND_FRAMES_MAX.
 */
#ifndef CAIRN_UNWIND_UNWIND_STEP_H
#define CAIRN_UNWIND_UNWIND_STEP_H

#include "unwind/unwind_find.h"

struct unwind_regs {
	uint64_t ip;
	uint64_t sp;
	uint64_t bp;
	uint64_t bp_at; /* the word of the stack bp was read from; 0 = it is the first frame's */
	uint64_t exact; /* 1 = ip is the next instruction, not what a call returns to */
};

/* Linux's rt_sigframe on x86-64, from the stack pointer in the signal trampoline. */
enum {
	UNWIND_SIGNAL_BP = 120,
	UNWIND_SIGNAL_SP = 160,
	UNWIND_SIGNAL_IP = 168,
};

static inline int unwind_step_signal(struct unwind_walk *w, struct unwind_regs *r)
{
	uint64_t ip, sp, bp;

	if (!unwind_read(w, r->sp + UNWIND_SIGNAL_BP, &bp) ||
	    !unwind_read(w, r->sp + UNWIND_SIGNAL_SP, &sp) ||
	    !unwind_read(w, r->sp + UNWIND_SIGNAL_IP, &ip))
		return UNWIND_CUT_READ;
	unwind_depend(w, r->sp + UNWIND_SIGNAL_SP, sp);
	unwind_depend(w, r->sp + UNWIND_SIGNAL_IP, ip);
	*r = (struct unwind_regs){ip, sp, bp, r->sp + UNWIND_SIGNAL_BP, 1};
	return UNWIND_MORE;
}

/* The frame's end; 0 when it cannot be had. */
static inline uint64_t unwind_frame_end(struct unwind_walk *w, const struct unwind_rule *rule,
					const struct unwind_regs *r)
{
	uint64_t word, at = r->bp + (uint64_t)rule->cfa_offset;

	if (rule->cfa == UNWIND_CFA_SP)
		return r->sp + (uint64_t)rule->cfa_offset;
	if (rule->cfa == UNWIND_CFA_PLT)
		return r->sp + ((r->ip & 15) >= 11 ? 16 : 8);
	unwind_depend(w, r->bp_at, r->bp);
	if (rule->cfa == UNWIND_CFA_BP)
		return at;
	if (!unwind_read(w, at, &word))
		return 0;
	unwind_depend(w, at, word);
	return word;
}

static inline int unwind_step(struct unwind_walk *w, const struct unwind_rule *rule,
			      struct unwind_regs *r)
{
	uint64_t end, ip, bp = r->bp, bp_at = r->bp_at;

	if (rule->cfa == UNWIND_CFA_END)
		return UNWIND_COMPLETE;
	if (rule->cfa == UNWIND_CFA_SIGNAL)
		return unwind_step_signal(w, r);
	if (rule->cfa == UNWIND_CFA_UNKNOWN || rule->cfa > UNWIND_CFA_END)
		return UNWIND_CUT_RULE;
	end = unwind_frame_end(w, rule, r);
	if (!end)
		return UNWIND_CUT_READ;
	if (end <= r->sp)
		return UNWIND_CUT_PROGRESS;
	if (rule->bp != UNWIND_BP_SAME) {
		if (rule->bp == UNWIND_BP_AT_BP)
			unwind_depend(w, r->bp_at, r->bp);
		bp_at = (rule->bp == UNWIND_BP_AT_BP ? r->bp : end) + (uint64_t)rule->bp_offset;
		if (!unwind_read(w, bp_at, &bp))
			return UNWIND_CUT_READ;
	}
	if (!unwind_read(w, end - 8, &ip))
		return UNWIND_CUT_READ;
	unwind_depend(w, end - 8, ip);
	if (!ip)
		return UNWIND_COMPLETE;
	*r = (struct unwind_regs){ip, end, bp, bp_at, 0};
	return UNWIND_MORE;
}

/* From the frame at `r` to its caller's, by the table of the mapping `m`. */
static inline int unwind_up(struct unwind_walk *w, const struct unwind_mapping *m,
			    struct unwind_regs *r)
{
	if (!m->table)
		return UNWIND_CUT_TABLE;
	struct unwind_rule rule = unwind_find(w, m->table, r->ip - !r->exact - m->base);
	return unwind_step(w, &rule, r);
}

#endif
