/* SPDX-License-Identifier: MIT */
/*
 * The description of a marker, as include/cairn/marker.h leaves it in a program: a note "cairn".
 *
 *	 0  u16 version   2  u8 level   3  u8 fields   4  u32 line
 *	 8  s32 the word  12 s32 the site, both from the description's own start
 *	16  provider NUL name NUL file NUL, then for each field:
 *	    u8 kind  s8 size (negative: signed)  name NUL  (an enumeration: labels NUL)
 *
 * The note is part of what is loaded, and all in it is relative, so that a program finds its own
 * markers without a loader's help and without a relocation.
 */
#ifndef CAIRN_MARKER_MARKER_NOTE_H
#define CAIRN_MARKER_MARKER_NOTE_H

#include "base/cursor.h"

#define MARKER_NOTE_NAME "cairn"

enum {
	MARKER_NOTE_SITE = 1,    /* a note's type */
	MARKER_NOTE_RUNTIME = 2, /* marker/marker_control.h */
	MARKER_NOTE_VERSION = 1,
	MARKER_FIELDS_MAX = 12,
	MARKER_WORD_AT = 8,
};

enum marker_kind {
	MARKER_INT = 1,
	MARKER_HEX,
	MARKER_PTR,
	MARKER_REAL,
	MARKER_BOOL,
	MARKER_ENUM,
	MARKER_TEXT,
	MARKER_BYTES,
	MARKER_ARRAY,
};

struct marker_field {
	enum marker_kind kind;
	uint8_t bytes; /* of an array: of one element */
	bool is_signed;
	const char *name;
	const char *labels; /* "" without any */
};

/* Strings point into the description. */
struct marker_note {
	uint8_t level;
	uint8_t field_count;
	uint32_t line;
	int32_t word; /* from the description's start */
	int32_t site;
	const char *provider;
	const char *name;
	const char *file;
	struct cursor fields; /* for marker_field_next() */
};

/* False when the description is not one of these. */
bool marker_note_parse(struct marker_note *ret, const void *description, size_t bytes);

bool marker_field_next(struct cursor *fields, struct marker_field *ret);

/* Of what an event's bytes mean: name, level, fields; not of the place. Never 0. */
uint64_t marker_note_hash(const struct marker_note *note);

enum marker_wish { MARKER_UNWANTED, MARKER_WANTED, MARKER_TRIGGERS };

/*
 * What the patterns ask for: `patterns` are a byte, the highest level, and a glob for
 * PROVIDER:NAME with its NUL each. Behind a '!' it is for markers that trigger a snapshot.
 */
enum marker_wish marker_note_wanted(const struct marker_note *note, const char *patterns,
				    size_t bytes);

/* One note of a segment of notes. */
struct marker_elf_note {
	uint32_t type;
	bool is_ours;
	const uint8_t *description;
	size_t bytes;
};

/* The next one; `notes` is over the segment. False at the end and when it is garbled. */
bool marker_elf_note_next(struct cursor *notes, struct marker_elf_note *ret);

#endif
