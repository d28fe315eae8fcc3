/* SPDX-License-Identifier: MIT */
/* Walks a stack that was copied, by tables in memory. No allocation, no locks, bounded steps. */
#ifndef CAIRN_UNWIND_UNWIND_WALK_H
#define CAIRN_UNWIND_UNWIND_WALK_H

#include "unwind/unwind_memory.h"

/* A table on its own; whoever asked for it frees the words. */
struct unwind_image {
	uint32_t *words;
	size_t count;
};

struct unwind_start {
	uint64_t ip;
	uint64_t sp;
	uint64_t bp;
	bool exact; /* ip is not behind a call or a system call: a fault, a sample */
};

/*
 * Puts the frames' addresses, innermost first, into `ips`: at most `max` of them. Returns their
 * number; `*why_ret` is an enum unwind_result, UNWIND_MORE when only the room ended the walk.
 */
unsigned unwind_walk_frames(struct unwind_walk *w, const struct unwind_start *start, uint64_t *ips,
			    unsigned max, int *why_ret);

/* The rule for an address of the file whose table begins at `block`. */
struct unwind_rule unwind_walk_rule(struct unwind_walk *w, uint32_t block, uint64_t address);

/* 0 when everything in the table points inside it; −1 otherwise. Asked once, at loading. */
int unwind_table_check(const uint32_t *words, size_t count);

#endif
