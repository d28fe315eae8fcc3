/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_layout.h"

#include "event/walk.h"
#include "util/array.h"
#include "util/map.h"

#include <string.h>

enum { WORD_BYTES = sizeof(uint64_t), IDS_MAX = 1 << 16, PAYLOAD_BYTES_MAX = 1 << 24 };

struct entry {
	const struct event_type *type;
	uint32_t fixed_bytes; /* of an event with its word; 0 = its fields must be walked */
};

struct class
{
	uint32_t stream_id;
	ARRAY(struct entry) by_id;
};

struct ctf_layout {
	ARRAY(struct class) classes;
};

static struct class *find_class(const struct ctf_layout *l, uint32_t stream_id)
{
	for (size_t i = 0; i < l->classes.count; i++) {
		if (l->classes.items[i].stream_id == stream_id)
			return &l->classes.items[i];
	}
	return NULL;
}

static int add_type(struct ctf_layout *l, const struct event_type *type, struct err *e)
{
	struct class *class = find_class(l, type->stream_id);
	if (type->id >= IDS_MAX)
		return 0;
	if (!class) {
		class = array_add(&l->classes);
		if (class)
			class->stream_id = type->stream_id;
	}
	if (!class || array_reserve(&class->by_id, type->id + 1))
		return err_set(e, ENOMEM, "no memory for the layout of events");
	while (class->by_id.count <= type->id)
		class->by_id.items[class->by_id.count++] = (struct entry){0};
	int64_t bits = type->payload->size_bits;
	bool fixed = !type->context && type->payload->align_bits <= 64 && bits >= 0 &&
		     bits % 8 == 0 && bits / 8 < PAYLOAD_BYTES_MAX;
	class->by_id.items[type->id] = (struct entry){
		.type = type,
		.fixed_bytes = fixed ? WORD_BYTES + (uint32_t)(bits / 8) : 0,
	};
	return 0;
}

int ctf_layout_create(struct ctf_layout **ret, const struct schema *schema, struct err *e)
{
	struct ctf_layout *l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(e, ENOMEM, "no memory for the layout of events");
	for (size_t i = 0; i < schema->type_count; i++) {
		int r = add_type(l, schema->types[i], e);
		if (r) {
			ctf_layout_destroy(l);
			return r;
		}
	}
	*ret = l;
	return 0;
}

void ctf_layout_destroy(struct ctf_layout *l)
{
	if (!l)
		return;
	array_each(class, &l->classes)
		array_free(&class->by_id);
	array_free(&l->classes);
	free(l);
}

/* An event whose size its data says; 0 when it does not end inside. */
static size_t walk_event(const struct event_type *type, const uint8_t *event, size_t left)
{
	struct walk walk;
	walk_init(&walk, event + WORD_BYTES, left - WORD_BYTES);
	if (type->context)
		walk_skip(&walk, &(struct field){.name = "", .type = type->context});
	walk_skip(&walk, &(struct field){.name = "", .type = type->payload});
	return walk.failed ? 0 : WORD_BYTES + (size_t)(walk.at_bits + 7) / 8;
}

static size_t event_bytes(const struct class *class, const uint8_t *event, uint16_t id, size_t left)
{
	if (!class || id >= class->by_id.count)
		return 0;
	const struct entry *entry = &class->by_id.items[id];
	size_t bytes = entry->fixed_bytes;
	if (!bytes && entry->type)
		bytes = walk_event(entry->type, event, left);
	return bytes > left ? 0 : bytes;
}

size_t ctf_layout_event(const struct ctf_layout *l, uint32_t stream_id, const void *event,
			size_t left)
{
	uint64_t word;
	if (left < WORD_BYTES)
		return 0;
	memcpy(&word, event, sizeof(word));
	return event_bytes(find_class(l, stream_id), event, (uint16_t)word, left);
}

struct ctf_span ctf_layout_walk(const struct ctf_layout *l, const struct ring_packet *header,
				const void *body, size_t body_bytes)
{
	const uint64_t time_mask = (1ull << 48) - 1;
	const uint8_t *data = body;
	const struct class *class = find_class(l, header->stream_id);
	struct ctf_span span = {.first_ns = header->begin_ns, .last_ns = header->begin_ns};
	size_t at = 0;
	while (body_bytes >= WORD_BYTES && at <= body_bytes - WORD_BYTES) {
		uint64_t word;
		memcpy(&word, data + at, sizeof(word));
		uint64_t time_ns = span.last_ns + (((word >> 16) - span.last_ns) & time_mask);
		size_t bytes = event_bytes(class, data + at, (uint16_t)word, body_bytes - at);
		if (!bytes || time_ns > header->end_ns)
			break;
		if (!span.events++)
			span.first_ns = time_ns;
		span.last_ns = time_ns;
		span.bytes = at + bytes;
		at = (span.bytes + RING_EVENT_ALIGN - 1) & ~(size_t)(RING_EVENT_ALIGN - 1);
	}
	span.complete = at >= body_bytes;
	return span;
}
