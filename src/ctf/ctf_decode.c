/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_decode.h"
#include "event/walk.h"

#include <inttypes.h>

/* An event header as it was walked: the innermost id, the mapped time. */
struct decoded_header {
	uint64_t id;
	uint64_t time;
	unsigned time_bits; /* 0: there is none */
};

static uint64_t low_mask(unsigned bits)
{
	return ~(uint64_t)0 >> (64 - bits);
}

/* The slice of a header that is followed by at least 8 bytes of file. */
static inline uint64_t slice_read(const uint8_t *header, struct plan_slice slice)
{
	uint64_t word;
	memcpy(&word, header + slice.at_bytes, sizeof(word));
	return word >> slice.shift & slice.mask;
}

/*
 * The clock's full value after a time field of fewer bits, where it is not simply larger than the
 * one before and inside the packet: it wrapped, or stepped back, or is damaged.
 */
static __attribute__((noinline)) uint64_t clock_odd(struct ctf_stream *s, uint64_t value,
						    uint64_t mask)
{
	if (mask == UINT64_MAX)
		return value;
	uint64_t carried = (s->clock & ~mask) | value;
	bool back = carried < s->clock;
	if (back)
		carried += mask + 1;
	if (carried <= s->clock_limit || s->clock > s->clock_limit)
		return carried;
	s->misplaced++;
	return back ? s->clock : s->clock_limit;
}

/* The event's time, never before the one given last; `mask` covers its field's bits. */
static inline uint64_t stream_time(struct ctf_stream *s, uint64_t value, uint64_t mask)
{
	uint64_t carried = (s->clock & ~mask) | value;
	/* One comparison for both ends. */
	if (carried - s->clock > s->clock_limit - s->clock)
		carried = clock_odd(s, value, mask);
	s->clock = carried;
	uint64_t ns = ctf_stream_ns(s, carried);
	if (ns < s->last_ns) {
		s->misplaced++;
		return s->last_ns;
	}
	s->last_ns = ns;
	return ns;
}

static int decode_damaged(struct ctf_stream *s, uint64_t at_bits, const char *why)
{
	ctf_warn(s->trace->warnings,
		 "%s: the packet at %" PRIu64 " cannot be read from its byte %" PRIu64
		 " on (%s): %" PRIu64 " bytes are left out",
		 s->path, s->packet->start_bytes, at_bits / 8, why, (s->end_bits - at_bits) / 8);
	s->at_bits = s->end_bits;
	return 0;
}

static void walk_from(struct walk *w, const struct ctf_stream *s, uint64_t at_bits)
{
	walk_init(w, s->base, 0);
	w->at_bits = at_bits;
	w->end_bits = s->end_bits;
	w->budget = s->end_bits - at_bits + 64;
}

static void header_walk(struct walk *w, const struct field *f, struct decoded_header *h)
{
	const struct type *t = f->type;
	if (t->kind == TYPE_INTEGER) {
		uint64_t value = walk_integer(w, f);
		if (t->integer.maps_time) {
			h->time_bits = t->integer.bits;
			h->time = value & low_mask(t->integer.bits);
		} else if (f->name[0] == 'i' && f->name[1] == 'd' && !f->name[2]) {
			h->id = value;
		}
	} else if (t->kind == TYPE_STRUCT) {
		walk_align(w, t->align_bits);
		for (uint32_t i = 0; i < t->structure.field_count && !w->failed; i++)
			header_walk(w, &t->structure.fields[i], h);
	} else if (t->kind == TYPE_VARIANT) {
		const struct field *option = walk_option(w, t);
		if (option)
			header_walk(w, option, h);
	} else {
		walk_skip(w, f);
	}
}

static uint64_t align_up(uint64_t bits, uint32_t align_bits)
{
	return (bits + align_bits - 1) & ~(uint64_t)(align_bits - 1);
}

/* Where a structure stands in the packet. */
struct extent {
	uint64_t start_bits, end_bits;
};

static struct extent extent_walk(struct walk *w, const struct type *structure)
{
	struct extent extent = {align_up(w->at_bits, structure->align_bits), 0};
	const struct field whole = {.name = "", .type = structure};
	if (structure->size_bits >= 0)
		w->at_bits = extent.start_bits + (uint64_t)structure->size_bits;
	else
		walk_skip(w, &whole);
	/* A structure of nothing is aligned, but not when it would reach over the end. */
	if (w->at_bits > w->end_bits)
		w->failed = true;
	extent.end_bits = w->at_bits;
	return extent;
}

/* The bits of an extent, moved to the start of a byte; NULL without memory. */
static const uint8_t *extent_shift(struct ctf_stream *s, struct extent extent, size_t at_bytes)
{
	uint64_t bits = extent.end_bits - extent.start_bits;
	size_t bytes = (size_t)(bits + 7) / 8;
	if (!s->shifted || at_bytes + bytes > s->shifted_bytes) {
		uint8_t *grown = realloc(s->shifted, at_bytes + bytes + 1);
		if (!grown)
			return NULL;
		s->shifted = grown;
		s->shifted_bytes = at_bytes + bytes;
	}
	bool big_endian = s->trace->metadata->big_endian;
	for (size_t i = 0; i < bytes; i++) {
		uint64_t left = bits - 8 * i;
		unsigned take = left < 8 ? (unsigned)left : 8;
		uint64_t value = bits_read(s->base, extent.start_bits + 8 * i, take, big_endian);
		s->shifted[at_bytes + i] = (uint8_t)(big_endian ? value << (8 - take) : value);
	}
	return s->shifted + at_bytes;
}

/* Points the event at its context and payload. */
static int event_point(struct ctf_stream *s, struct event *ret, struct extent context,
		       struct extent payload, struct err *e)
{
	size_t context_bytes = (size_t)(context.end_bits - context.start_bits + 7) / 8;
	size_t payload_bytes = (size_t)(payload.end_bits - payload.start_bits + 7) / 8;
	ret->payload = s->base + payload.start_bits / 8;
	ret->payload_bytes = (uint32_t)payload_bytes;
	ret->context = ret->type->context ? s->base + context.start_bits / 8 : NULL;
	if (!(context.start_bits % 8 || payload.start_bits % 8))
		return 1;
	/* The payload first: it may move the buffer, the context then has room. */
	if (!extent_shift(s, payload, context_bytes) || !extent_shift(s, context, 0))
		return err_set(e, ENOMEM, "%s: no memory for an event", s->path);
	ret->payload = s->shifted + context_bytes;
	ret->context = ret->type->context ? s->shifted : NULL;
	return 1;
}

static int32_t context_tid(const struct plan_event *event, const uint8_t *context)
{
	if (!event->tid || !context)
		return EVENT_TID_UNKNOWN;
	const struct type *t = event->tid->type;
	return (int32_t)bits_read(context, (uint64_t)event->tid->offset_bits, t->integer.bits,
				  t->integer.big_endian);
}

static int decode_walking(struct ctf_stream *s, struct event *ret, struct err *e)
{
	struct walk w;
	struct decoded_header h = {0};
	uint64_t start = s->at_bits;
	walk_from(&w, s, start);
	const struct field header = {.name = "", .type = s->plan->class->event_header};
	/* What alignment asks for at the end of a packet is no event. */
	if (header.type && align_up(start, header.type->align_bits) >= s->end_bits) {
		s->at_bits = s->end_bits;
		return 0;
	}
	if (header.type)
		header_walk(&w, &header, &h);
	if (w.failed)
		return decode_damaged(s, start, "an event is cut");
	const struct plan_event *event = ctf_plan_event(s->plan, h.id);
	if (!event)
		return decode_damaged(s, start, "an event the metadata does not describe");
	struct extent context = {0, 0}, payload;
	if (event->type->context)
		context = extent_walk(&w, event->type->context);
	payload = extent_walk(&w, event->type->payload);
	if (w.failed || w.at_bits == start)
		return decode_damaged(s, start,
				      w.failed ? "an event is cut" : "an event of no bits");
	s->at_bits = w.at_bits;
	*ret = (struct event){
		.time_ns = stream_time(s, h.time, h.time_bits ? low_mask(h.time_bits) : 0),
		.type = event->type,
		.cpu = s->packet->cpu,
		.stream = s->number,
	};
	int code = event_point(s, ret, context, payload, e);
	ret->tid = context_tid(event, ret->context);
	return code;
}

/* Where the event ends when that depends on its data; 0 when it cannot be read. */
static __attribute__((noinline)) uint64_t quick_end(const struct ctf_stream *s, uint64_t payload,
						    const struct type *type)
{
	struct walk w;
	walk_from(&w, s, payload);
	uint64_t end = extent_walk(&w, type).end_bits;
	return w.failed ? 0 : end;
}

int ctf_decode(struct ctf_stream *s, struct event *ret, struct err *e)
{
	const struct ctf_plan *plan = s->plan;
	uint64_t start = align_up(s->at_bits, plan->align_bits);
	if (start >= s->quick_bits)
		return decode_walking(s, ret, e);
	const uint8_t *header = s->base + start / 8;
	uint64_t id = slice_read(header, plan->id);
	const struct plan_event *event = &plan->events[id < plan->event_count ? id : 0];
	if (id >= plan->event_count || !event->payload_bytes)
		return decode_walking(s, ret, e);
	uint64_t end = start + event->total_bits;
	if (!event->total_bits)
		end = quick_end(s, start + 8 * (uint64_t)event->payload_bytes,
				event->type->payload);
	if (!end || end > s->end_bits)
		return decode_walking(s, ret, e);
	s->at_bits = end;
	ret->time_ns = stream_time(s, slice_read(header, plan->time), plan->time.mask);
	ret->type = event->type;
	ret->payload = header + event->payload_bytes;
	ret->payload_bytes = (uint32_t)((end - start + 7) / 8) - event->payload_bytes;
	ret->cpu = s->cpu;
	ret->tid = EVENT_TID_UNKNOWN;
	ret->stream = s->number;
	ret->context = event->context_bytes ? header + event->context_bytes : NULL;
	if (event->tid)
		ret->tid = context_tid(event, ret->context);
	return 1;
}
