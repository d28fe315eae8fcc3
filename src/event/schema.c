/* SPDX-License-Identifier: MIT */
#include "event/schema.h"
#include "util/arena.h"

#include <stdlib.h>
#include <string.h>

int schema_create(struct schema **ret, struct err *e)
{
	struct schema *s = calloc(1, sizeof(*s));
	struct arena *arena = arena_create();
	if (!s || !arena) {
		free(s);
		arena_destroy(arena);
		return err_set(e, ENOMEM, "no memory for the description of events");
	}
	s->arena = arena;
	*ret = s;
	return 0;
}

void schema_destroy(struct schema *s)
{
	if (!s)
		return;
	arena_destroy(s->arena);
	free(s->types);
	free(s);
}

void *schema_alloc(struct schema *s, size_t bytes)
{
	return arena_alloc(s->arena, bytes);
}

const char *schema_string(struct schema *s, const char *string)
{
	return arena_copy(s->arena, string, strlen(string));
}

static int schema_push(struct schema *s, struct event_type *type)
{
	/* Room doubles: a power of two is full. */
	if (!(s->type_count & (s->type_count - 1))) {
		size_t room = s->type_count ? s->type_count * 2 : 1;
		struct event_type **grown = realloc(s->types, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		s->types = grown;
	}
	type->index = (uint32_t)s->type_count;
	s->types[s->type_count++] = type;
	return 0;
}

/* The builders leave a hole where memory was short. */
static bool type_is_whole(const struct type *t, unsigned depth)
{
	if (!t)
		return false;
	if (depth > TYPE_DEPTH_MAX)
		return true; /* type_layout() says it */
	switch (t->kind) {
	case TYPE_ARRAY:
	case TYPE_SEQUENCE:
		return type_is_whole(t->array.element, depth + 1);
	case TYPE_STRUCT:
	case TYPE_VARIANT:
		for (uint32_t i = 0; i < t->structure.field_count; i++) {
			const struct field *f = &t->structure.fields[i];
			if (!f->name || !type_is_whole(f->type, depth + 1))
				return false;
		}
		return true;
	default:
		return true;
	}
}

int schema_add(struct schema *s, uint32_t stream_id, uint64_t id, const char *name,
	       const struct type *context, const struct type *payload, struct event_type **ret,
	       struct err *e)
{
	struct event_type *type = schema_alloc(s, sizeof(*type));
	const char *name_copy = schema_string(s, name);
	struct type *fields = payload ? (struct type *)payload : type_struct(s, 0);
	if (!type || !name_copy || !type_is_whole(fields, 0) ||
	    (context && !type_is_whole(context, 0)))
		return err_set(e, ENOMEM, "no memory for the description of event %s", name);
	*type = (struct event_type){
		.id = id,
		.stream_id = stream_id,
		.name = name_copy,
		.payload = fields,
		.context = context,
	};
	/* Streams share one context; laying it out again gives the same. */
	if (type_layout(fields, e) || (context && type_layout((struct type *)context, e)))
		return err_add(e, "event %s", name);
	event_type_bind(type);
	if (schema_push(s, type))
		return err_set(e, ENOMEM, "no memory for the description of event %s", name);
	if (ret)
		*ret = type;
	return 0;
}

const struct event_type *schema_find(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->type_count; i++) {
		if (!strcmp(s->types[i]->name, name))
			return s->types[i];
	}
	return NULL;
}

const struct field *type_field(const struct type *structure, const char *name)
{
	for (uint32_t i = 0; structure && i < structure->structure.field_count; i++) {
		if (!strcmp(structure->structure.fields[i].name, name))
			return &structure->structure.fields[i];
	}
	return NULL;
}

static struct type *type_create(struct schema *s, enum type_kind kind, uint32_t align_bits)
{
	struct type *t = schema_alloc(s, sizeof(*t));
	if (t) {
		t->kind = kind;
		t->align_bits = align_bits;
		t->size_bits = -1;
	}
	return t;
}

struct type *type_integer(struct schema *s, unsigned bits, bool is_signed, unsigned base)
{
	struct type *t = type_create(s, TYPE_INTEGER, bits % 8 ? 1 : 8);
	if (t) {
		t->integer.bits = (uint8_t)bits;
		t->integer.base = (uint8_t)base;
		t->integer.is_signed = is_signed;
	}
	return t;
}

struct type *type_string(struct schema *s)
{
	return type_create(s, TYPE_STRING, 8);
}

struct type *type_text(struct schema *s, uint32_t bytes)
{
	struct type *character = type_integer(s, 8, false, 10);
	if (!character)
		return NULL;
	character->integer.is_text = true;
	return type_array(s, character, bytes);
}

struct type *type_array(struct schema *s, const struct type *element, uint32_t count)
{
	struct type *t = element ? type_create(s, TYPE_ARRAY, 1) : NULL;
	if (t) {
		t->array.element = element;
		t->array.count = count;
	}
	return t;
}

struct type *type_sequence(struct schema *s, const struct type *element, const char *length)
{
	struct type *t = element ? type_create(s, TYPE_SEQUENCE, 1) : NULL;
	if (!t)
		return NULL;
	t->array.element = element;
	t->array.length = schema_string(s, length);
	return t->array.length ? t : NULL;
}

struct type *type_struct(struct schema *s, uint32_t field_count)
{
	struct type *t = type_create(s, TYPE_STRUCT, 1);
	if (!t)
		return NULL;
	t->structure.fields = schema_alloc(s, field_count * sizeof(struct field) + 1);
	t->structure.field_count = field_count;
	return t->structure.fields ? t : NULL;
}

void type_set_field(struct type *structure, uint32_t index, const char *name,
		    const struct type *type)
{
	if (structure && index < structure->structure.field_count)
		structure->structure.fields[index] = (struct field){.name = name, .type = type};
}
