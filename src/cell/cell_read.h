/* SPDX-License-Identifier: MIT */
/*
 * Reading cells while they are added to, or after the process was killed.
 *
 * What cells there are is copied and checked when the view is made; nothing in the memory is
 * trusted after that. Counters are the process's own word.
 */
#ifndef CAIRN_CELL_CELL_READ_H
#define CAIRN_CELL_CELL_READ_H

#include "cell/cell_share.h"

struct cell_view {
	const uint8_t *memory;
	uint64_t bytes;
	struct cell_share own;
};

struct cell_hist {
	uint64_t buckets[BUCKETS];
	uint64_t sum;
};

/* False when the memory is no share of cells. */
bool cell_view_init(struct cell_view *v, const void *memory, uint64_t bytes);

/* `cell` is below own.count and of the kind that is asked for; otherwise all is 0. */
uint64_t cell_view_count(const struct cell_view *v, uint32_t cell); /* of key 0 */
void cell_view_hist(const struct cell_view *v, uint32_t cell, struct cell_hist *ret);
uint64_t cell_view_lost(const struct cell_view *v, uint32_t cell);

/* The next key from `*slot` on, which goes on behind it; false behind the last one. */
bool cell_view_next(const struct cell_view *v, uint32_t cell, uint32_t *slot,
		    struct cell_key_slot *ret);

/* Frames that were entered and not left. */
uint32_t cell_view_open(const struct cell_view *v, uint32_t cell);

#endif
