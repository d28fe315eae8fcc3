/* SPDX-License-Identifier: MIT */
#include "event/walk.h"

uint64_t bits_read(const uint8_t *data, uint64_t at_bits, unsigned bits, bool big_endian)
{
	const uint8_t *p = data + at_bits / 8;
	unsigned skip = at_bits % 8;
	if (!skip && !big_endian) {
		uint64_t whole = 0;
		switch (bits) {
		case 8:
			return *p;
		case 32:
			memcpy(&whole, p, 4);
			return whole;
		case 64:
			memcpy(&whole, p, 8);
			return whole;
		}
	}
	unsigned bytes = (skip + bits + 7) / 8; /* 1 to 9 */
	unsigned __int128 value = 0;
	for (unsigned i = 0; i < bytes; i++) {
		unsigned place = big_endian ? bytes - 1 - i : i;
		value |= (unsigned __int128)p[i] << (8 * place);
	}
	/* The skipped bits are the lowest of a little-endian value, the highest of a big-endian. */
	value >>= big_endian ? 8 * bytes - skip - bits : skip;
	return (uint64_t)value & (~(uint64_t)0 >> (64 - bits));
}

void walk_init(struct walk *w, const void *data, size_t bytes)
{
	w->data = data;
	w->at_bits = 0;
	w->end_bits = (uint64_t)bytes * 8;
	w->budget = w->end_bits + 64;
	w->failed = false;
}

static bool walk_room(struct walk *w, uint64_t bits)
{
	if (!w->failed && w->at_bits <= w->end_bits && w->end_bits - w->at_bits >= bits)
		return true;
	w->failed = true;
	return false;
}

static uint64_t walk_bits(struct walk *w, unsigned bits, bool big_endian)
{
	if (!walk_room(w, bits))
		return 0;
	uint64_t value = bits_read(w->data, w->at_bits, bits, big_endian);
	w->at_bits += bits;
	return value;
}

uint64_t walk_integer(struct walk *w, const struct field *f)
{
	const struct type *t = f->type;
	unsigned bits = t->integer.bits;
	walk_align(w, t->align_bits);
	uint64_t value = walk_bits(w, bits, t->integer.big_endian);
	if (t->integer.is_signed)
		value = (uint64_t)((int64_t)(value << (64 - bits)) >> (64 - bits));
	if (f->saved)
		w->saved[f->saved - 1] = value;
	return value;
}

double walk_real(struct walk *w, const struct type *t)
{
	walk_align(w, t->align_bits);
	uint64_t raw = walk_bits(w, t->real.bits, t->real.big_endian);
	if (t->real.bits == 32) {
		uint32_t half = (uint32_t)raw;
		float single;
		memcpy(&single, &half, sizeof(single));
		return (double)single;
	}
	double value;
	memcpy(&value, &raw, sizeof(value));
	return value;
}

bool type_is_text(const struct type *t)
{
	if (t->kind == TYPE_STRING)
		return true;
	if (t->kind != TYPE_ARRAY && t->kind != TYPE_SEQUENCE)
		return false;
	const struct type *element = t->array.element;
	return element->kind == TYPE_INTEGER && element->integer.is_text &&
	       element->integer.bits == 8 && element->align_bits % 8 == 0;
}

/* Up to the NUL, which belongs to the string. */
static struct walk_bytes walk_string(struct walk *w)
{
	struct walk_bytes none = {"", 0};
	walk_align(w, 8);
	if (!walk_room(w, 8))
		return none;
	const char *start = (const char *)w->data + w->at_bits / 8;
	size_t left = (size_t)(w->end_bits - w->at_bits) / 8;
	const char *nul = memchr(start, 0, left);
	if (!nul) {
		w->failed = true;
		return none;
	}
	w->at_bits += 8 * (uint64_t)(nul - start + 1);
	return (struct walk_bytes){start, (size_t)(nul - start)};
}

struct walk_bytes walk_text(struct walk *w, const struct type *t)
{
	if (t->kind == TYPE_STRING)
		return walk_string(w);
	uint64_t count = walk_count(w, t);
	if (!count || !walk_room(w, 8 * count))
		return (struct walk_bytes){"", 0};
	const char *start = (const char *)w->data + w->at_bits / 8;
	w->at_bits += 8 * count;
	return (struct walk_bytes){start, strnlen(start, count)};
}

uint64_t walk_count(struct walk *w, const struct type *t)
{
	uint64_t count =
		t->kind == TYPE_ARRAY ? t->array.count : w->saved[t->array.length_saved - 1];
	walk_align(w, t->align_bits);
	if (w->failed || count > w->budget) {
		w->failed = true;
		return 0;
	}
	w->budget -= count;
	return count;
}

struct field walk_element(const struct type *t)
{
	return (struct field){.name = "", .type = t->array.element, .offset_bits = -1};
}

const char *type_label(const struct type *t, int64_t value)
{
	for (uint32_t i = 0; i < t->integer.label_count; i++) {
		const struct type_label *label = &t->integer.labels[i];
		bool inside = t->integer.is_signed
				      ? value >= label->first && value <= label->last
				      : (uint64_t)value >= (uint64_t)label->first &&
						(uint64_t)value <= (uint64_t)label->last;
		if (inside)
			return label->name;
	}
	return NULL;
}

/* LTTng puts an underscore in front of names; a tag's label and its option may differ in it. */
static const char *bare_name(const char *name)
{
	return name + (name[0] == '_');
}

const struct field *walk_option(struct walk *w, const struct type *t)
{
	int64_t tag = (int64_t)w->saved[t->structure.tag_saved - 1];
	const char *label = w->failed ? NULL : type_label(t->structure.tag_type, tag);
	for (uint32_t i = 0; label && i < t->structure.field_count; i++) {
		if (!strcmp(bare_name(t->structure.fields[i].name), bare_name(label)))
			return &t->structure.fields[i];
	}
	w->failed = true;
	return NULL;
}

static void walk_skip_elements(struct walk *w, const struct type *t)
{
	const struct field element = walk_element(t);
	uint64_t count = walk_count(w, t);
	int64_t size = element.type->size_bits;
	if (!count || size < 0) {
		for (uint64_t i = 0; i < count && !w->failed; i++)
			walk_skip(w, &element);
		return;
	}
	uint64_t align = element.type->align_bits;
	uint64_t stride = ((uint64_t)size + align - 1) & ~(align - 1);
	/* Both factors are bounded: a size by type_layout(), a count by the budget. */
	if (stride && count > w->end_bits / stride + 1)
		w->failed = true;
	else if (walk_room(w, stride * (count - 1) + (uint64_t)size))
		w->at_bits += stride * (count - 1) + (uint64_t)size;
}

void walk_skip(struct walk *w, const struct field *f)
{
	const struct type *t = f->type;
	if (w->failed)
		return;
	switch (t->kind) {
	case TYPE_INTEGER:
		walk_integer(w, f);
		break;
	case TYPE_REAL:
		walk_real(w, t);
		break;
	case TYPE_STRING:
		walk_string(w);
		break;
	case TYPE_ARRAY:
	case TYPE_SEQUENCE:
		walk_skip_elements(w, t);
		break;
	case TYPE_STRUCT:
		walk_align(w, t->align_bits);
		for (uint32_t i = 0; i < t->structure.field_count; i++)
			walk_skip(w, &t->structure.fields[i]);
		break;
	case TYPE_VARIANT: {
		const struct field *option = walk_option(w, t);
		if (option)
			walk_skip(w, option);
		break;
	}
	}
}

bool walk_to(struct walk *w, const struct type *structure, const struct field *f)
{
	walk_align(w, structure->align_bits);
	for (uint32_t i = 0; i < structure->structure.field_count && !w->failed; i++) {
		const struct field *member = &structure->structure.fields[i];
		if (member == f) {
			walk_align(w, f->type->align_bits);
			return !w->failed;
		}
		if (member->type->kind != TYPE_STRUCT)
			walk_skip(w, member);
		else if (walk_to(w, member->type, f))
			return true;
	}
	return false;
}
