/* SPDX-License-Identifier: MIT */
/*
 * Where the events of a packet of ring/ring_abi.h begin and end.
 *
 * Who writes a packet into a file, and who mends a damaged one, must know which of its bytes are
 * events: readers refuse a packet whose content ends in padding, cuts an event, or has an unknown
 * one. Event types whose size does not depend on data cost one table look-up an event.
 */
#ifndef CAIRN_CTF_CTF_LAYOUT_H
#define CAIRN_CTF_CTF_LAYOUT_H

#include "event/schema.h"
#include "ring/ring_abi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctf_layout;

/* Of all types the schema has now; no event can have an id beyond 16 bits. */
int ctf_layout_create(struct ctf_layout **ret, const struct schema *schema, struct err *e);
void ctf_layout_destroy(struct ctf_layout *l);

/* The whole events at a packet's start. */
struct ctf_span {
	size_t bytes; /* from the first event's start to the last one's end */
	uint64_t events;
	uint64_t first_ns, last_ns; /* header->begin_ns when there are none */
	bool complete;              /* nothing but padding follows */
};

/* How long the event at `event` is, of `left` bytes; 0 when it is unknown or does not fit. */
size_t ctf_layout_event(const struct ctf_layout *l, uint32_t stream_id, const void *event,
			size_t left);

/*
 * Walks `body_bytes` of content behind the header. An event is whole when its type is known, its
 * fields end inside, and its time is neither before the last one's nor outside the packet's.
 */
struct ctf_span ctf_layout_walk(const struct ctf_layout *l, const struct ring_packet *header,
				const void *body, size_t body_bytes);

#endif
