/* SPDX-License-Identifier: MIT */
/*
 * Where the fields of a structure are, and which field holds the length or tag of which.
 *
 * Alignments come first, from the inside out; then places, from the outside in, as long as no
 * length is in the way.
 */
#include "event/schema.h"

#include <string.h>

/* No packet is larger: sizes stay far from the ends of 64 bits. */
#define TYPE_BITS_MAX ((int64_t)1 << 40)

struct layout {
	unsigned saved; /* numbers handed out */
	struct err *e;
};

/* The fields a name may mean at some place: those before it, then those around it. */
struct scope {
	const struct scope *outer;
	const struct type *structure;
	uint32_t before;
};

static uint64_t align_up(uint64_t bits, uint32_t align_bits)
{
	return (bits + align_bits - 1) & ~(uint64_t)(align_bits - 1);
}

/* The schema's owner made the types and may write to what readers see as constant. */
static struct type *type_own(const struct type *t)
{
	return (struct type *)t;
}

static int layout_align(struct layout *l, struct type *t, unsigned depth)
{
	if (depth > TYPE_DEPTH_MAX)
		return err_set(l->e, EINVAL, "types are nested deeper than %d", TYPE_DEPTH_MAX);
	switch (t->kind) {
	case TYPE_ARRAY:
	case TYPE_SEQUENCE: {
		struct type *element = type_own(t->array.element);
		int code = layout_align(l, element, depth + 1);
		t->align_bits = element->align_bits;
		return code;
	}
	case TYPE_STRUCT:
	case TYPE_VARIANT:
		for (uint32_t i = 0; i < t->structure.field_count; i++) {
			struct type *member = type_own(t->structure.fields[i].type);
			int code = layout_align(l, member, depth + 1);
			if (code)
				return code;
			/* The option that is there aligns itself, whatever its siblings ask. */
			if (t->kind == TYPE_STRUCT && member->align_bits > t->align_bits)
				t->align_bits = member->align_bits;
		}
		return 0;
	default:
		return 0;
	}
}

static struct field *scope_member(const struct type *structure, uint32_t before, const char *name,
				  size_t bytes)
{
	for (uint32_t i = before; i-- > 0;) {
		struct field *f = &structure->structure.fields[i];
		if (!strncmp(f->name, name, bytes) && !f->name[bytes])
			return f;
	}
	return NULL;
}

static struct field *scope_find(const struct scope *scope, const char *path)
{
	size_t bytes = strcspn(path, ".");
	struct field *f = NULL;
	for (; scope && !f; scope = scope->outer)
		f = scope_member(scope->structure, scope->before, path, bytes);
	while (f && path[bytes]) {
		path += bytes + 1;
		bytes = strcspn(path, ".");
		f = f->type->kind == TYPE_STRUCT
			    ? scope_member(f->type, f->type->structure.field_count, path, bytes)
			    : NULL;
	}
	return f;
}

/* Finds the integer that tells a length or a tag, and has walks keep its value. */
static int layout_resolve(struct layout *l, const struct scope *scope, const char *path,
			  const struct field **ret)
{
	struct field *f = path ? scope_find(scope, path) : NULL;
	if (!f || f->type->kind != TYPE_INTEGER)
		return err_set(l->e, EINVAL, "no integer field '%s' stands before its use",
			       path ? path : "");
	if (!f->saved && l->saved == TYPE_SAVED_MAX)
		return err_set(l->e, E2BIG, "more than %d lengths and tags", TYPE_SAVED_MAX);
	if (!f->saved)
		f->saved = (uint8_t)++l->saved;
	*ret = f;
	return 0;
}

static int layout_place(struct layout *l, const struct scope *scope, struct type *t, int64_t start);

static int layout_array(struct layout *l, const struct scope *scope, struct type *t)
{
	struct type *element = type_own(t->array.element);
	int code = layout_place(l, scope, element, -1);
	if (code)
		return code;
	t->size_bits = -1;
	if (t->kind == TYPE_SEQUENCE) {
		const struct field *length;
		code = layout_resolve(l, scope, t->array.length, &length);
		if (!code)
			t->array.length_saved = length->saved;
		return code;
	}
	if (!t->array.count)
		t->size_bits = 0;
	if (element->size_bits < 0 || !t->array.count)
		return 0;
	int64_t stride = (int64_t)align_up((uint64_t)element->size_bits, element->align_bits);
	if (stride && t->array.count > TYPE_BITS_MAX / stride)
		return err_set(l->e, E2BIG, "an array is larger than any packet");
	t->size_bits = stride * (t->array.count - 1) + element->size_bits;
	return 0;
}

static int layout_variant(struct layout *l, const struct scope *scope, struct type *t)
{
	const struct field *tag;
	int code = layout_resolve(l, scope, t->structure.tag, &tag);
	if (code)
		return code;
	if (!tag->type->integer.label_count)
		return err_set(l->e, EINVAL, "the tag '%s' is no enumeration", t->structure.tag);
	t->structure.tag_type = tag->type;
	t->structure.tag_saved = tag->saved;
	t->size_bits = -1;
	for (uint32_t i = 0; i < t->structure.field_count && !code; i++) {
		struct field *option = &t->structure.fields[i];
		option->offset_bits = -1;
		option->fast_bytes = 0;
		code = layout_place(l, scope, type_own(option->type), -1);
	}
	return code;
}

static uint8_t field_fast_bytes(const struct field *f)
{
	const struct type *t = f->type;
	unsigned bits = t->kind == TYPE_INTEGER ? t->integer.bits : 0;
	bool wide = bits == 8 || bits == 16 || bits == 32 || bits == 64;
	bool plain = wide && (!t->integer.big_endian || bits == 8);
	return plain && f->offset_bits >= 0 && f->offset_bits % 8 == 0 ? (uint8_t)(bits / 8) : 0;
}

static int layout_struct(struct layout *l, const struct scope *outer, struct type *t, int64_t start)
{
	int64_t at = 0;
	for (uint32_t i = 0; i < t->structure.field_count; i++) {
		struct field *f = &t->structure.fields[i];
		struct type *member = type_own(f->type);
		struct scope scope = {outer, t, i};
		if (at >= 0)
			at = (int64_t)align_up((uint64_t)at, member->align_bits);
		int64_t place = start >= 0 && at >= 0 ? start + at : -1;
		f->offset_bits = place > INT32_MAX ? -1 : (int32_t)place;
		int code = layout_place(l, &scope, member, f->offset_bits);
		if (code)
			return code;
		f->fast_bytes = field_fast_bytes(f);
		at = at < 0 || member->size_bits < 0 ? -1 : at + member->size_bits;
		if (at > TYPE_BITS_MAX)
			return err_set(l->e, E2BIG, "a structure is larger than any packet");
	}
	t->size_bits = at;
	return 0;
}

static int layout_place(struct layout *l, const struct scope *scope, struct type *t, int64_t start)
{
	switch (t->kind) {
	case TYPE_INTEGER:
		t->size_bits = t->integer.bits;
		return 0;
	case TYPE_REAL:
		t->size_bits = t->real.bits;
		return 0;
	case TYPE_STRING:
		t->size_bits = -1;
		return 0;
	case TYPE_ARRAY:
	case TYPE_SEQUENCE:
		return layout_array(l, scope, t);
	case TYPE_STRUCT:
		return layout_struct(l, scope, t, start);
	case TYPE_VARIANT:
		return layout_variant(l, scope, t);
	}
	return 0;
}

int type_layout(struct type *structure, struct err *e)
{
	struct layout l = {.e = e};
	int code = layout_align(&l, structure, 0);
	return code ? code : layout_place(&l, NULL, structure, 0);
}
