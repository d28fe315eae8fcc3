/* SPDX-License-Identifier: MIT */
#include "marker/marker_note.h"

static bool same_text(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

bool marker_field_next(struct cursor *fields, struct marker_field *ret)
{
	uint8_t kind = cursor_u8(fields);
	int8_t size = (int8_t)cursor_u8(fields);
	const char *name = cursor_string(fields);
	const char *labels = kind == MARKER_ENUM ? cursor_string(fields) : "";
	unsigned bytes = (unsigned)(size < 0 ? -size : size);
	if (!cursor_ok(fields) || kind < MARKER_INT || kind > MARKER_ARRAY || !*name)
		return false;
	if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
		return false;
	*ret = (struct marker_field){.kind = (enum marker_kind)kind,
				     .bytes = (uint8_t)bytes,
				     .is_signed = size < 0,
				     .name = name,
				     .labels = labels};
	return true;
}

bool marker_note_parse(struct marker_note *ret, const void *description, size_t bytes)
{
	struct cursor c = cursor_over(description, bytes);
	struct marker_field field;
	if (cursor_u16(&c) != MARKER_NOTE_VERSION)
		return false;
	struct marker_note note = {.level = cursor_u8(&c)};
	note.field_count = cursor_u8(&c);
	note.line = cursor_u32(&c);
	note.word = (int32_t)cursor_u32(&c);
	note.site = (int32_t)cursor_u32(&c);
	note.provider = cursor_string(&c);
	note.name = cursor_string(&c);
	note.file = cursor_string(&c);
	if (!cursor_ok(&c) || note.field_count > MARKER_FIELDS_MAX || !*note.provider ||
	    !*note.name)
		return false;
	note.fields = c;
	for (unsigned i = 0; i < note.field_count; i++) {
		if (!marker_field_next(&c, &field))
			return false;
	}
	*ret = note;
	return true;
}

static uint64_t hash_bytes(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3ull;
	} while (*text++);
	return hash;
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
	return (hash ^ number) * 0x100000001b3ull;
}

uint64_t marker_note_hash(const struct marker_note *note)
{
	struct cursor fields = note->fields;
	struct marker_field f;
	uint64_t hash = hash_bytes(0xcbf29ce484222325ull, note->provider);
	hash = hash_bytes(hash, note->name);
	hash = hash_number(hash, note->level);
	for (unsigned i = 0; i < note->field_count && marker_field_next(&fields, &f); i++) {
		hash = hash_number(hash, (uint64_t)f.kind << 16 | f.bytes << 8 | f.is_signed);
		hash = hash_bytes(hash_bytes(hash, f.name), f.labels);
	}
	return hash ? hash : 1;
}

/* A text in two halves, so that "PROVIDER:NAME" need not be put together. */
struct halves {
	const char *at, *rest;
};

static char half_char(const struct halves *h)
{
	return *h->at ? *h->at : h->rest ? ':' : 0;
}

static void half_step(struct halves *h)
{
	if (*h->at) {
		h->at++;
	} else {
		h->at = h->rest;
		h->rest = NULL;
	}
}

/* "*" and "?" as in a shell; goes back to the last star only, which is enough. */
static bool matches(const char *glob, struct halves text)
{
	const char *star = NULL;
	struct halves from = text;
	while (half_char(&text)) {
		if (*glob == '*') {
			star = glob++;
			from = text;
		} else if (*glob == '?' || *glob == half_char(&text)) {
			glob++;
			half_step(&text);
		} else if (star) {
			glob = star + 1;
			half_step(&from);
			text = from;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

enum marker_wish marker_note_wanted(const struct marker_note *note, const char *patterns,
				    size_t bytes)
{
	enum marker_wish wish = MARKER_UNWANTED;
	struct cursor c = cursor_over(patterns, bytes);
	while (cursor_left(&c)) {
		uint8_t level = cursor_u8(&c);
		const char *glob = cursor_string(&c);
		if (!glob || note->level > level)
			continue;
		bool triggers = *glob == '!';
		if (!matches(glob + triggers, (struct halves){note->provider, note->name}))
			continue;
		if (triggers)
			return MARKER_TRIGGERS;
		wish = MARKER_WANTED;
	}
	return wish;
}

bool marker_elf_note_next(struct cursor *notes, struct marker_elf_note *ret)
{
	uint32_t name_bytes = cursor_u32(notes);
	uint32_t bytes = cursor_u32(notes);
	uint32_t type = cursor_u32(notes);
	const uint8_t *name = cursor_take(notes, name_bytes);
	cursor_take(notes, -(size_t)name_bytes & 3);
	const uint8_t *description = cursor_take(notes, bytes);
	if (!cursor_ok(notes))
		return false;
	/* The last one's padding may be missing. */
	size_t padding = -(size_t)bytes & 3;
	cursor_take(notes, padding < cursor_left(notes) ? padding : cursor_left(notes));
	*ret = (struct marker_elf_note){
		.type = type,
		.is_ours = name_bytes == sizeof(MARKER_NOTE_NAME) && !name[name_bytes - 1] &&
			   same_text((const char *)name, MARKER_NOTE_NAME),
		.description = description,
		.bytes = bytes,
	};
	return true;
}
