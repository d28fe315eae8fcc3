/* SPDX-License-Identifier: MIT */
/*
 * Cells: what probes in a process count and time, in memory it shares with the tool.
 *
 *	struct cell_share     what cells there are; constant once it is started
 *	for each cell         its counters, a line for each cpu, then its slots
 *
 * Whoever adds never waits, and is never waited for: one locked instruction, or a look at a bounded
 * number of slots. A probe may interrupt another one anywhere, also in the same thread.
 *
 * C1  A count's slot has its key from when it is taken, for ever: one compare-and-exchange.
 * C2  A time's slot belongs to the thread in it, which alone writes it, until it leaves the frame.
 *     A frame that is never left, by an exception or an exit, keeps its slot; entered again by the
 *     same thread, it is the same slot.
 * C3  What finds no room is counted as lost.
 * C4  A count has one line more, the first: whoever adds to it locks. A cpu's line is only written
 *     on that cpu, in restartable sequences (src/prog/prog_count.c).
 */
#ifndef CAIRN_CELL_CELL_SHARE_H
#define CAIRN_CELL_CELL_SHARE_H

#include "base/bucket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CELL_SHARE_MAGIC 0x6c6c65636e726963ull /* "cirncell" */

enum {
	CELL_SHARE_VERSION = 1,
	CELL_MAX = 256,
	CELL_LINES_MAX = 64,
	CELL_SLOTS_MAX = 1 << 20,
	CELL_LINE_BYTES = 128,
	CELL_LINE_SHIFT = 7,
	CELL_HIST_BYTES = 640, /* of a line: buckets and the sum, in whole cache lines */
	CELL_TRIES = 16,       /* slots that a key may be in */
	CELL_WAYS = 8,         /* slots that a frame may be in: a whole set of them */
};

enum cell_kind {
	CELL_COUNT = 1, /* how often, by key; key 0 has lines instead of a slot */
	CELL_HIST,      /* how often, by size (base/bucket.h), and the sum */
	CELL_TIME,      /* since when, by thread and frame */
};

struct cell {
	uint32_t kind;
	uint32_t line_mask; /* of cpus' lines: their number less 1 */
	uint32_t slot_mask; /* slots less 1; histograms have none */
	uint32_t spare;
	uint64_t lines_at; /* from the cell itself */
	uint64_t slots_at;
	uint64_t lost;
};

struct cell_share {
	uint64_t magic;
	uint32_t version;
	uint32_t count;
	uint64_t bytes;
	struct cell cells[CELL_MAX];
};

struct cell_key_slot {
	uint64_t key; /* 0: free */
	uint64_t count;
};

struct cell_time_slot {
	uint32_t tid; /* 0: free */
	uint32_t spare;
	uint64_t frame;
	uint64_t ticks;
	uint64_t spare_too;
};

_Static_assert(sizeof(struct cell) == 40 && sizeof(struct cell_share) == 24 + 40 * CELL_MAX, "");
_Static_assert(sizeof(struct cell_time_slot) == 32, "the layout is an ABI");
_Static_assert(CELL_HIST_BYTES >= 8 * (BUCKETS + 1), "a line holds its histogram");

/* What a cell is to be. */
struct cell_plan {
	enum cell_kind kind;
	uint32_t slots; /* a power of two of at least CELL_TRIES; 0 for histograms */
};

/*
 * The memory that cells need; 0 for a plan that cannot be. `lines`, a power of two, is best not
 * less than there are cpus.
 */
uint64_t cell_share_bytes(const struct cell_plan *plans, uint32_t count, uint32_t lines);

/* Fills zeroed memory of that size. */
void cell_share_start(struct cell_share *share, const struct cell_plan *plans, uint32_t count,
		      uint32_t lines);

/* For all of these, the cell is of the kind meant. Any thread, any time. */
void cell_count(struct cell *c, uint64_t key);
void cell_hist(struct cell *c, uint32_t cpu, uint64_t value);
void cell_enter(struct cell *c, uint32_t tid, uint64_t frame, uint64_t ticks);

/* The ticks since the thread entered the frame, which is forgotten; false when it had not. */
bool cell_leave(struct cell *c, uint32_t tid, uint64_t frame, uint64_t ticks, uint64_t *ret);

#endif
