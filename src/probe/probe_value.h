/* SPDX-License-Identifier: MIT */
/*
 * What a specification wants to see at one of its places, as a probe program and the layout of
 * the record that it makes:
 *
 *	0  uint32  which fields could not be read: bit i is field i; its bytes are 0 then
 *	…  fields, each aligned to its own size
 *
 * V1  A value is what the debug information says it is at this very place, or it is said to be
 *     missing, with the reason. Nothing is guessed.
 * V2  What a pointer leads to is read guarded: an unreadable one sets the field's bit. A condition
 *     that would have to read such memory is false.
 * V3  Numbers compare by value: both as signed, unless one is an unsigned one of 64 bits.
 */
#ifndef CAIRN_PROBE_PROBE_VALUE_H
#define CAIRN_PROBE_PROBE_VALUE_H

#include "dwarf/dwarf_type.h"
#include "probe/probe_code.h"
#include "probe/probe_place.h"

enum {
	PROBE_TEXT_BYTES = 128, /* of a text with its NUL; longer ones are cut */
};

enum probe_shape {
	PROBE_SHAPE_INTEGER,
	PROBE_SHAPE_HEX, /* pointers, registers */
	PROBE_SHAPE_BOOL,
	PROBE_SHAPE_CHARACTER,
	PROBE_SHAPE_LABELS, /* an enumeration: probe_label_next() has its names */
	PROBE_SHAPE_REAL,
	PROBE_SHAPE_TEXT, /* `bytes` characters, padded with NUL */
};

struct probe_field {
	const char *name;
	const char *text; /* the expression as typed */
	const char *type; /* as C writes it */
	enum probe_shape shape;
	bool is_signed;
	uint32_t at, bytes;  /* in the record */
	const char *problem; /* why it cannot be read at this place, a sentence; NULL: it can */
	struct dwarf_type described;
};

struct probe_program {
	struct prog prog; /* prog_check() accepts it */
	struct probe_field fields[PROBE_FIELDS_MAX];
	unsigned field_count;
	uint32_t record_bytes; /* of what the program puts, the record; behind it is scratch */
	struct probe_code code;
	struct arena *arena;
};

/*
 * The program for one place. A value that is missing at the place is a field with a problem;
 * what nobody can make sense of, or a condition that cannot be decided, is an error.
 */
int probe_program_create(struct probe_file *f, const struct probe_place *place,
			 const struct probe_spec *spec, struct probe_program **ret, struct err *e);
void probe_program_destroy(struct probe_program *p);

/* Whether two places of a specification make the same records. */
bool probe_program_is_alike(const struct probe_program *a, const struct probe_program *b);

/* An enumeration's names; `*cursor` begins zeroed. False at the end. */
bool probe_label_next(const struct probe_field *field, Dwarf_Die *cursor, const char **name_ret,
		      int64_t *value_ret);

#endif
