/* SPDX-License-Identifier: MIT */
/*
 * The rings of one recording's markers: a file of shared memory, its layout frozen.
 *
 *	struct ring_share     one page: geometry, switches, the patterns of what is recorded
 *	struct ring_kind × RING_KINDS_MAX   event ids and where their descriptions are
 *	descriptions          RING_TEXT_BYTES, filled from the start, never moved
 *	struct ring_line × RING_LINES_MAX   a line for each cpu, then one for each lane
 *	rings                 `ring_bytes` for each line: sub-buffers that are packets (ring_abi.h)
 *
 * The file is sparse: what nobody writes costs nothing. Written by every process of the recording
 * and read by the tool; whoever reads trusts no number in it.
 *
 * R1  All below a line's `head` is written completely; a killed writer leaves nothing above it.
 * R2  A line's `owner` is 0 or the thread whose events follow at `head`.
 * R3  A kind's id is never given to another event.
 */
#ifndef CAIRN_RING_RING_SHARE_H
#define CAIRN_RING_RING_SHARE_H

#include "ring/ring_abi.h"

#include <stdbool.h>
#include <stddef.h>

#define RING_SHARE_MAGIC 0x676e6972726e6163ull /* "cairnring" without its fourth letter */

enum {
	RING_SHARE_VERSION = 1,
	RING_PAGE_BYTES = 4096,
	RING_PATTERN_BYTES = 3072,
	RING_KINDS_MAX = 4096,
	RING_TEXT_BYTES = 1 << 20,
	RING_CPUS_MAX = 1024,
	RING_LANES_MAX = 32,
	RING_LINES_MAX = RING_CPUS_MAX + RING_LANES_MAX,
	RING_LINE_BYTES = 128,
	RING_PAYLOAD_BYTES_MAX = 4096,
	/* A payload is copied in steps of this size, out of memory that has whole steps. */
	RING_COPY_BYTES = 16,
	RING_ID_THREAD = 1, /* struct ring_thread_event: whose events follow */
	RING_ID_FIRST = 16,
	RING_ID_TRIGGER = 0x8000, /* beside the id: a lane takes it, freezes the rings, says so */
};

enum ring_share_flags {
	RING_OVERWRITE = 1, /* the oldest sub-buffer makes room; else the newest event is lost */
	RING_TICKS = 2,     /* times are the cpu's time-stamp counter, not CLOCK_MONOTONIC */
};

struct ring_share {
	uint64_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t cpus;
	uint32_t lanes;
	uint64_t ring_bytes;   /* both powers of two */
	uint64_t subbuf_bytes; /* at least four in a ring */
	uint8_t uuid[16];
	uint32_t cpu_stream; /* stream classes of the packets */
	uint32_t lane_stream;
	uint32_t frozen; /* nobody enters a new sub-buffer */
	uint32_t closed; /* the recording is over: sites switch themselves off */
	uint32_t text_used;
	uint32_t trigger;       /* how often an event with RING_ID_TRIGGER was written */
	uint32_t pattern_bytes; /* as marker/marker_note.h has them */
	uint32_t spare;
	/* The recording's first moment, for who reads the rings after its tool was killed. */
	uint64_t anchor_ticks;
	uint64_t anchor_ns;
	uint64_t anchor_window_ns;
	char patterns[RING_PATTERN_BYTES];
};

_Static_assert(sizeof(struct ring_share) <= RING_PAGE_BYTES, "the first page is an ABI");

/* `hash` is taken first, `place` last: 0 while the description is not there. */
struct ring_kind {
	uint64_t hash;
	uint32_t place; /* of the description, from the start of the descriptions, plus 1 */
	uint32_t bytes;
};

struct ring_line {
	uint64_t head;    /* bytes written in all; the first event's is in the second lap */
	uint64_t owner;   /* pid in the upper half, tid in the lower */
	uint64_t lost;    /* events there was no room for */
	uint64_t drained; /* sub-buffers, from the first lap on, that the reader is done with */
	uint32_t lock;    /* of a lane: the tid that writes */
	uint32_t spare[23];
};

_Static_assert(sizeof(struct ring_line) == RING_LINE_BYTES, "a line is an ABI");

struct ring_thread_event {
	uint32_t tid;
	uint32_t pid;
};

enum {
	RING_KINDS_AT = RING_PAGE_BYTES,
	RING_TEXT_AT = RING_KINDS_AT + RING_KINDS_MAX * 16,
	RING_LINES_AT = RING_TEXT_AT + RING_TEXT_BYTES,
	RING_DATA_AT = RING_LINES_AT + RING_LINES_MAX * RING_LINE_BYTES,
};

_Static_assert(sizeof(struct ring_kind) == 16, "a kind is an ABI");
_Static_assert(RING_DATA_AT % RING_PAGE_BYTES == 0, "rings begin at a page");

static inline uint64_t ring_share_bytes(uint32_t lines, uint64_t ring_bytes)
{
	return RING_DATA_AT + lines * ring_bytes;
}

static inline struct ring_kind *ring_share_kinds(struct ring_share *share)
{
	return (struct ring_kind *)((uint8_t *)share + RING_KINDS_AT);
}

static inline char *ring_share_text(struct ring_share *share)
{
	return (char *)share + RING_TEXT_AT;
}

static inline struct ring_line *ring_share_lines(struct ring_share *share)
{
	return (struct ring_line *)((uint8_t *)share + RING_LINES_AT);
}

static inline uint8_t *ring_share_data(struct ring_share *share)
{
	return (uint8_t *)share + RING_DATA_AT;
}

/*
 * Whether `bytes` of memory are such a file. What was checked may change right after: check a copy
 * of the first page and keep it.
 */
bool ring_share_check(const struct ring_share *share, uint64_t bytes);

/* Fills zeroed memory: nothing was written yet. The geometry is in `share` already. */
void ring_share_start(struct ring_share *share);

/*
 * The id of the event with this description, the same for all who ask; RING_ID_FIRST and up, or
 * −1 without room. `hash` tells descriptions apart and is not 0.
 */
int ring_share_id(struct ring_share *share, uint64_t hash, const void *description, uint32_t bytes);

#endif
