/* SPDX-License-Identifier: MIT */
/*
 * What the bytes of an event mean: event types, their fields, the types of the fields.
 *
 * A schema owns all its types, strings and tables (one arena) and is read-only once it is
 * complete. Sources build it from whatever describes their events: CTF metadata, tracefs format
 * files, the recorder's own table.
 *
 * Positions: a field whose place does not depend on data has `offset_bits` >= 0, counted from the
 * start of the outermost structure. Other fields, and all inside of arrays and variants, are found
 * by walking (event/walk.h). A length or a tag is met before what it describes: the walk keeps
 * such values under small numbers, which type_layout() hands out.
 */
#ifndef CAIRN_EVENT_SCHEMA_H
#define CAIRN_EVENT_SCHEMA_H

#include "event/known.h"
#include "util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TYPE_DEPTH_MAX = 28, /* of nested types */
	TYPE_SAVED_MAX = 64, /* lengths and tags in one structure */
};

enum type_kind {
	TYPE_INTEGER,
	TYPE_REAL,
	TYPE_STRING,   /* NUL-terminated bytes */
	TYPE_ARRAY,    /* fixed number of elements; of characters: a string padded with NUL */
	TYPE_SEQUENCE, /* number of elements in an earlier field */
	TYPE_STRUCT,
	TYPE_VARIANT, /* one of the options, chosen by an earlier enumeration */
};

struct type_label { /* of an enumeration; both ends belong to the range */
	int64_t first, last;
	const char *name;
};

struct field;

struct type {
	enum type_kind kind;
	uint32_t align_bits;
	int64_t size_bits; /* −1 when it depends on data */
	union {
		struct {
			uint8_t bits; /* 1 to 64 */
			uint8_t base; /* 2, 8, 10 or 16: how people want to see it */
			bool is_signed;
			bool big_endian;
			bool is_text;   /* a character */
			bool maps_time; /* its value carries the stream's clock on */
			const struct type_label *labels; /* an enumeration when there are any */
			uint32_t label_count;
		} integer;
		struct {
			uint8_t bits; /* 32 or 64, IEEE 754 */
			bool big_endian;
		} real;
		struct {
			const struct type *element;
			uint32_t count;     /* TYPE_ARRAY */
			const char *length; /* TYPE_SEQUENCE: the length field (or its path) */
			uint8_t length_saved;
		} array;
		struct {
			struct field *fields;
			uint32_t field_count;
			const char *tag; /* TYPE_VARIANT: name (or dotted path) of the tag field */
			const struct type *tag_type; /* its labels name the options */
			uint8_t tag_saved;
		} structure; /* of a variant, the fields are its options */
	};
};

struct field {
	const char *name;
	const struct type *type;
	int32_t offset_bits; /* from the start of the outermost structure, or −1 */
	uint8_t fast_bytes;  /* 1, 2, 4, 8: a byte-aligned little-endian integer at a fixed place */
	uint8_t saved;       /* a walk keeps its value under this number less one; 0 = no need */
};

struct event_type {
	uint32_t index; /* dense in its schema: for tables by type */
	uint64_t id;    /* as the stream's header says it */
	uint32_t stream_id;
	const char *name;
	enum event_kind kind;       /* EVENT_OTHER when nothing in cairn knows it by name */
	const struct type *payload; /* TYPE_STRUCT */
	const struct type *context; /* TYPE_STRUCT before the payload, or NULL */
	const struct field *slots[EVENT_SLOTS_MAX]; /* the fields known.h names, NULL if missing */
};

struct schema {
	struct event_type **types;
	size_t type_count;
	struct arena *arena;
};

int schema_create(struct schema **ret, struct err *e);
void schema_destroy(struct schema *s);

/* Memory and strings that live as long as the schema; NULL without memory. */
void *schema_alloc(struct schema *s, size_t bytes);
const char *schema_string(struct schema *s, const char *string);

/*
 * Adds a type: computes offsets, finds its kind and slots by name. `payload` may be NULL (no
 * fields). Takes nothing over but what schema_alloc() gave.
 */
int schema_add(struct schema *s, uint32_t stream_id, uint64_t id, const char *name,
	       const struct type *context, const struct type *payload, struct event_type **ret,
	       struct err *e);

/*
 * Sets offset_bits, fast_bytes, align_bits and size_bits through a structure and its members, and
 * ties sequences and variants to the fields that describe them. A structure is part of one other
 * at most; plain types may be shared.
 */
int type_layout(struct type *structure, struct err *e);

const struct event_type *schema_find(const struct schema *s, const char *name);

/* known.c: the type's kind and slots, by its name and those of its fields. */
void event_type_bind(struct event_type *type);

const struct field *type_field(const struct type *structure, const char *name);

/* Builders, for sources with plain fields; NULL without memory (schema_add() then says ENOMEM). */
struct type *type_integer(struct schema *s, unsigned bits, bool is_signed, unsigned base);
struct type *type_string(struct schema *s);
struct type *type_text(struct schema *s, uint32_t bytes); /* char[bytes] */
struct type *type_array(struct schema *s, const struct type *element, uint32_t count);
struct type *type_sequence(struct schema *s, const struct type *element, const char *length);
struct type *type_struct(struct schema *s, uint32_t field_count);

/* `name` must live as long as the schema: a literal or a schema_string(). */
void type_set_field(struct type *structure, uint32_t index, const char *name,
		    const struct type *type);

#endif
