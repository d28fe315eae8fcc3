/* SPDX-License-Identifier: MIT */
/*
 * The record everything meets in: a time, a cpu, a thread, a type, the bytes of its fields.
 *
 * An event is a view: type and payload belong to the source and hold until the source's next
 * step. Reading a field never fails and never reads outside the payload: what is missing is 0 or
 * "" (event_has() tells).
 */
#ifndef CAIRN_EVENT_EVENT_H
#define CAIRN_EVENT_EVENT_H

#include "event/schema.h"

#include <string.h>

enum { EVENT_TID_UNKNOWN = -1, EVENT_CPU_NONE = -1 };

struct event {
	uint64_t time_ns; /* the trace's clock: ns since boot as CLOCK_MONOTONIC counts them */
	const struct event_type *type;
	const uint8_t *payload; /* byte-aligned start of type->payload */
	uint32_t payload_bytes; /* up to the end of the event, or of its packet when unknown */
	int32_t cpu;            /* or EVENT_CPU_NONE */
	int32_t tid;            /* whose time it was: running on the cpu just before; 0 is idle */
	uint32_t stream;        /* the source's stream it came from */
	const uint8_t *context; /* start of type->context, NULL without one */
};

/* Any place, any width. */
uint64_t field_uint_slow(const struct event *e, const struct field *f);
const char *field_text(const struct event *e, const struct field *f, size_t *bytes_ret);

static inline bool event_has(const struct event *e, unsigned slot)
{
	return e->type->slots[slot] != NULL;
}

static inline uint64_t field_uint(const struct event *e, const struct field *f)
{
	if (!f)
		return 0;
	uint32_t at = (uint32_t)f->offset_bits / 8;
	uint64_t value = 0;
	if (!f->fast_bytes || at + f->fast_bytes > e->payload_bytes)
		return field_uint_slow(e, f);
	/* Constant sizes, so that each becomes one load. */
	switch (f->fast_bytes) {
	case 1:
		return e->payload[at];
	case 2:
		memcpy(&value, e->payload + at, 2);
		break;
	case 4:
		memcpy(&value, e->payload + at, 4);
		break;
	default:
		memcpy(&value, e->payload + at, 8);
	}
	return value;
}

static inline int64_t field_int(const struct event *e, const struct field *f)
{
	uint64_t value = field_uint(e, f);
	if (!f || f->type->kind != TYPE_INTEGER || !f->type->integer.is_signed)
		return (int64_t)value;
	unsigned shift = 64u - f->type->integer.bits;
	return (int64_t)(value << shift) >> shift;
}

/* By the numbers of known.h. */
static inline uint64_t event_uint(const struct event *e, unsigned slot)
{
	return field_uint(e, e->type->slots[slot]);
}

static inline int64_t event_int(const struct event *e, unsigned slot)
{
	return field_int(e, e->type->slots[slot]);
}

/*
 * A string or an array of characters; not NUL-terminated: `*bytes_ret` long. "" when missing.
 */
static inline const char *event_text(const struct event *e, unsigned slot, size_t *bytes_ret)
{
	return field_text(e, e->type->slots[slot], bytes_ret);
}

/*
 * The elements of an array or sequence of 64-bit little-endian integers (addresses): their first
 * byte, to be read with memcpy, and their number; 0 elements when missing or of another type.
 */
const uint8_t *event_words(const struct event *e, unsigned slot, size_t *count_ret);

#endif
