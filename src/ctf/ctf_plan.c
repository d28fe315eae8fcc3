/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_plan.h"

#include <stdlib.h>
#include <string.h>

enum { PLAN_TABLE_MAX = 1 << 16, PLAN_EVENT_BYTES_MAX = 1 << 24 };

static bool slice_of(struct plan_slice *ret, const struct field *f)
{
	const struct type *t = f->type;
	if (t->kind != TYPE_INTEGER || t->integer.big_endian || t->integer.is_signed)
		return false;
	uint32_t shift = (uint32_t)f->offset_bits % 8;
	if (f->offset_bits < 0 || shift + t->integer.bits > 64)
		return false;
	*ret = (struct plan_slice){
		.at_bytes = (uint32_t)f->offset_bits / 8,
		.shift = (uint8_t)shift,
		.bits = t->integer.bits,
		.mask = ~(uint64_t)0 >> (64 - t->integer.bits),
	};
	return true;
}

/* A flat header of a fixed size, with a time and perhaps an id in it. */
static bool plan_header(struct ctf_plan *p, const struct type *header)
{
	if (!header || header->size_bits <= 0 || header->size_bits > 1024)
		return false;
	bool has_time = false;
	for (uint32_t i = 0; i < header->structure.field_count; i++) {
		const struct field *f = &header->structure.fields[i];
		if (f->type->kind != TYPE_INTEGER)
			return false;
		if (f->type->integer.maps_time) {
			if (has_time || !slice_of(&p->time, f))
				return false;
			has_time = true;
		} else if (!strcmp(f->name, "id") && !slice_of(&p->id, f)) {
			return false;
		}
	}
	p->align_bits = header->align_bits;
	p->header_bits = (uint32_t)header->size_bits;
	/* Events without alignment could begin inside a byte. */
	return has_time && header->align_bits % 8 == 0;
}

static uint64_t align_up(uint64_t bits, uint32_t align_bits)
{
	return (bits + align_bits - 1) & ~(uint64_t)(align_bits - 1);
}

/* The context's and the payload's places, where they are the same for each event. */
static void plan_places(const struct ctf_plan *p, struct plan_event *event)
{
	const struct type *context = event->type->context, *payload = event->type->payload;
	uint64_t at = p->header_bits;
	if (!p->quick || payload->align_bits > p->align_bits)
		return;
	if (context) {
		if (context->align_bits > p->align_bits || context->size_bits < 0)
			return;
		at = align_up(at, context->align_bits);
		if (at % 8)
			return;
		event->context_bytes = (uint32_t)at / 8;
		at += (uint64_t)context->size_bits;
	}
	at = align_up(at, payload->align_bits);
	if (at % 8 || at > 8 * (uint64_t)PLAN_EVENT_BYTES_MAX)
		return;
	event->payload_bytes = (uint32_t)at / 8;
	at += payload->size_bits < 0 ? 0 : (uint64_t)payload->size_bits;
	if (payload->size_bits >= 0 && at <= 8 * (uint64_t)PLAN_EVENT_BYTES_MAX)
		event->total_bits = (uint32_t)at;
}

static const struct field *context_tid(const struct type *context)
{
	static const char *const names[] = {"vtid", "tid"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct field *f = type_field(context, names[i]);
		if (f && f->type->kind == TYPE_INTEGER && f->offset_bits >= 0)
			return f;
	}
	return NULL;
}

static void plan_event_init(struct ctf_plan *p, struct plan_event *event,
			    const struct event_type *type)
{
	*event = (struct plan_event){.type = type, .tid = context_tid(type->context)};
	plan_places(p, event);
	p->has_switch |= type->kind == EVENT_SCHED_SWITCH;
	p->has_writer |= type->kind == EVENT_WRITER;
}

static int plan_fill(struct ctf_plan *p)
{
	size_t next = 0;
	map_each(slot, &p->class->events) {
		const struct event_type *type = (const struct event_type *)(uintptr_t)slot->value;
		uint64_t place = p->is_table ? slot->key : next++;
		if (!p->is_table) {
			uint64_t *rare = map_put(&p->rare, slot->key);
			if (!rare)
				return -ENOMEM;
			*rare = place + 1;
		}
		plan_event_init(p, &p->events[place], type);
	}
	return 0;
}

int ctf_plan_create(struct ctf_plan **ret, const struct ctf_class *class, struct err *e)
{
	struct ctf_plan *p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(e, ENOMEM, "no memory for the events' table");
	uint64_t id_max = 0;
	map_each(slot, &class->events)
		id_max = slot->key > id_max ? slot->key : id_max;
	p->class = class;
	p->align_bits = 1;
	p->is_table = id_max < PLAN_TABLE_MAX;
	p->quick = p->is_table && plan_header(p, class->event_header);
	p->event_count = p->is_table ? (size_t)id_max + 1 : class->events.count;
	p->events = calloc(p->event_count, sizeof(*p->events));
	if (!p->events || plan_fill(p)) {
		ctf_plan_destroy(p);
		return err_set(e, ENOMEM, "no memory for the events' table");
	}
	*ret = p;
	return 0;
}

void ctf_plan_destroy(struct ctf_plan *p)
{
	if (!p)
		return;
	map_deinit(&p->rare);
	free(p->events);
	free(p);
}
