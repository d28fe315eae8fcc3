/* SPDX-License-Identifier: MIT */
/*
 * Reading the rings while they are written, or after the writers were killed.
 *
 * The geometry is copied when the view is made; nothing in the memory is trusted after that. A
 * packet is copied first and then asked for: whoever wrote over it meanwhile has moved the head.
 * What the copy's header says of itself is made of what the view knows; times, losses and the tid
 * are the writer's, held within what a packet may say.
 */
#ifndef CAIRN_RING_RING_READ_H
#define CAIRN_RING_RING_READ_H

#include "ring/ring_share.h"

struct ring_view {
	struct ring_share *share;
	struct ring_line *lines;
	const uint8_t *data;
	struct ring_share own; /* the first page as it was checked */
	uint32_t line_count;
	uint32_t subbuf_shift;
	uint32_t subbufs; /* in a ring */
};

/* False when the memory is no file of rings. */
bool ring_view_init(struct ring_view *v, void *memory, uint64_t bytes);

/*
 * Numbers of sub-buffers: whole ones from `*first_ret` up to before `*open_ret`, which is being
 * written and has `*open_bytes_ret` bytes. Without any packet both are the same and bytes 0.
 */
void ring_view_span(const struct ring_view *v, uint32_t line, uint64_t *first_ret,
		    uint64_t *open_ret, uint64_t *open_bytes_ret);

/*
 * Copies sub-buffer `number` of a line; `to` has room for one. `open_bytes` is 0 for a whole one.
 * The bytes of its content with the header, or 0 when it is gone or says nonsense.
 */
uint64_t ring_view_copy(const struct ring_view *v, uint32_t line, uint64_t number,
			uint64_t open_bytes, void *to);

/* The reader is done with all sub-buffers before `number`; their room is free in discard mode. */
void ring_view_drained(const struct ring_view *v, uint32_t line, uint64_t number);

/* The description of an event's id: its bytes inside the share, NULL when there is none. */
const void *ring_view_kind(const struct ring_view *v, uint32_t id, uint32_t *bytes_ret);

uint64_t ring_view_lost(const struct ring_view *v); /* events, of all lines */

#endif
