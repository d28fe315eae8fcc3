/* SPDX-License-Identifier: MIT */
/*
 * How to read the events of one stream class quickly.
 *
 * When id and time stand at fixed places of the header, an event costs two loads and a table
 * look-up; an event whose fields do not depend on data needs nothing more. All others are walked.
 */
#ifndef CAIRN_CTF_CTF_PLAN_H
#define CAIRN_CTF_CTF_PLAN_H

#include "ctf/ctf_types.h"

/* A little-endian integer inside 8 bytes. */
struct plan_slice {
	uint32_t at_bytes;
	uint8_t shift, bits;
	uint64_t mask; /* 0 for a field that is not there */
};

struct plan_event {
	const struct event_type *type;
	uint32_t context_bytes;  /* from the event's start to its context */
	uint32_t payload_bytes;  /* to its payload; 0 when the place depends on data */
	uint32_t total_bits;     /* the whole event; 0 when that depends on data */
	const struct field *tid; /* in the context; NULL without one */
};

struct ctf_plan {
	const struct ctf_class *class;
	bool quick; /* the header is read by slices, events are found in a table */
	bool has_switch;
	bool has_writer; /* its own events say whose the others are */
	uint32_t align_bits, header_bits;
	struct plan_slice id, time;
	struct plan_event *events; /* by id */
	size_t event_count;
	struct map rare; /* index + 1 into `events` by id, for ids too large for a table */
	bool is_table;
};

int ctf_plan_create(struct ctf_plan **ret, const struct ctf_class *class, struct err *e);
void ctf_plan_destroy(struct ctf_plan *p);

static inline const struct plan_event *ctf_plan_event(const struct ctf_plan *p, uint64_t id)
{
	if (!p->is_table) {
		uint64_t *place = map_find(&p->rare, id);
		return place ? &p->events[*place - 1] : NULL;
	}
	return id < p->event_count && p->events[id].type ? &p->events[id] : NULL;
}

#endif
