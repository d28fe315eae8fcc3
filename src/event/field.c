/* SPDX-License-Identifier: MIT */
/* Single fields of an event, wherever they stand. */
#include "event/walk.h"

/* Leaves the walk in front of the field's value; false when the event has it not. */
static bool field_reach(struct walk *w, const struct event *e, const struct field *f)
{
	walk_init(w, e->payload, e->payload_bytes);
	return f && e->type->payload && walk_to(w, e->type->payload, f);
}

uint64_t field_uint_slow(const struct event *e, const struct field *f)
{
	struct walk w;
	if (!field_reach(&w, e, f) || f->type->kind != TYPE_INTEGER)
		return 0;
	uint64_t value = walk_integer(&w, f);
	return w.failed ? 0 : value & (~(uint64_t)0 >> (64 - f->type->integer.bits));
}

const char *field_text(const struct event *e, const struct field *f, size_t *bytes_ret)
{
	struct walk w;
	struct walk_bytes text = {"", 0};
	if (field_reach(&w, e, f) && type_is_text(f->type))
		text = walk_text(&w, f->type);
	*bytes_ret = text.bytes;
	return text.start;
}

static bool is_word(const struct type *t)
{
	return t->kind == TYPE_INTEGER && t->integer.bits == 64 && !t->integer.big_endian &&
	       t->align_bits % 8 == 0;
}

const uint8_t *event_words(const struct event *e, unsigned slot, size_t *count_ret)
{
	const struct field *f = e->type->slots[slot];
	struct walk w;
	*count_ret = 0;
	if (!field_reach(&w, e, f) ||
	    (f->type->kind != TYPE_ARRAY && f->type->kind != TYPE_SEQUENCE) ||
	    !is_word(f->type->array.element))
		return e->payload;
	uint64_t count = walk_count(&w, f->type);
	if (w.failed || w.at_bits > w.end_bits || count > (w.end_bits - w.at_bits) / 64)
		return e->payload;
	*count_ret = count;
	return e->payload + w.at_bits / 8;
}
