/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of one tracepoint: its `format` file as a table of fields.
 *
 * A raw record is the same bytes from tracefs, from perf and as the context of a BPF tracepoint
 * program: 8 bytes of common fields, the event's own fields at the format's offsets, behind them
 * the data that `__data_loc` and `__rel_loc` words point to.
 *
 * In the trace a generic event's payload is, from every rung:
 *
 *   A  the record's bytes [FORMAT_COMMON_BYTES, fixed_bytes) as they are, but in the 32-bit word
 *      of each dynamic field the high half is the number of *elements* that follow in B (of
 *      characters, and so of the kernel's own bytes, where an element is one byte); the low half
 *      means nothing;
 *   B  the elements of each dynamic field, in the order of the fields, without gaps.
 *
 * A and B together are at most RECORDER_GENERIC_BYTES_MAX: a dynamic field that does not fit is cut
 * to whole elements and its word says so. format_add_type() describes these bytes.
 */
#ifndef CAIRN_KERNEL_FORMAT_H
#define CAIRN_KERNEL_FORMAT_H

#include "event/schema.h"
#include "util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FORMAT_COMMON_BYTES = 8, /* type, flags, preempt count, pid */
	FORMAT_FIXED_BYTES_MAX = 1024,
	FORMAT_FIELDS_MAX = 128,
};

enum format_kind {
	FORMAT_INTEGER,
	FORMAT_POINTER,       /* an integer of 8 bytes that is an address */
	FORMAT_TEXT,          /* char[size] */
	FORMAT_ARRAY,         /* size / element_bytes integers */
	FORMAT_DYNAMIC_TEXT,  /* a word that locates characters, with their NUL */
	FORMAT_DYNAMIC_ARRAY, /* a word that locates integers */
};

struct format_field {
	const char *name;
	const char *type; /* as C says it, without the array's brackets */
	enum format_kind kind;
	uint16_t offset;       /* in the raw record */
	uint16_t size;         /* of the value there; 4 for a dynamic field's word */
	uint8_t element_bytes; /* arrays: 1, 2, 4 or 8; else equal to size */
	bool is_signed;
	bool is_relative; /* __rel_loc: the data's offset counts from the end of the word */
};

struct format {
	const char *subsystem; /* "sched", or "" when nothing said it */
	const char *name;
	uint32_t id;                 /* the kernel's own: common_type of the records */
	struct format_field *fields; /* without the common ones, by offset */
	size_t field_count;
	size_t fixed_bytes; /* where the last field ends */
	char *text;         /* holds the strings */
};

/* Parses a format file's text. `subsystem` is copied. */
int format_parse(struct format *ret, const char *subsystem, const char *text, size_t bytes,
		 struct err *e);

/* Reads `<tracefs>/events/<subsystem>/<name>/format`. */
int format_read(struct format *ret, const char *tracefs, const char *subsystem, const char *name,
		struct err *e);

void format_deinit(struct format *f);

/* The field of that name, or NULL. */
const struct format_field *format_find(const struct format *f, const char *name);

static inline bool format_is_dynamic(const struct format_field *field)
{
	return field->kind == FORMAT_DYNAMIC_TEXT || field->kind == FORMAT_DYNAMIC_ARRAY;
}

/* An integer of a raw record, sign extended where the field is signed; 0 when it lies outside. */
uint64_t format_uint(const struct format_field *field, const void *record, size_t record_bytes);

/*
 * A field's bytes in a raw record (dynamic: those it locates), NULL when they lie outside of it.
 */
const void *format_bytes(const struct format_field *field, const void *record, size_t record_bytes,
			 size_t *bytes_ret);

/* Adds the type of a generic event as described above; `name` is what the trace calls it. */
int format_add_type(struct schema *s, uint32_t stream_id, uint64_t id, const char *name,
		    const struct format *f, struct err *e);

#endif
