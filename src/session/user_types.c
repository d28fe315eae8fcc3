/* SPDX-License-Identifier: MIT */
#include "session/user_types.h"

#include "marker/marker_note.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS_MAX = 256, NAME_BYTES_MAX = 256 };

static bool is_name(const char *name)
{
	if (strlen(name) >= NAME_BYTES_MAX || isdigit((unsigned char)*name))
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	}
	return true;
}

/* "idle=0,busy=1": those that are well formed. */
static void add_labels(struct schema *s, struct type *type, const char *text)
{
	struct type_label *labels = schema_alloc(s, LABELS_MAX * sizeof(*labels));
	uint32_t count = 0;
	while (labels && *text && count < LABELS_MAX) {
		size_t bytes = strcspn(text, ",");
		const char *sign = memchr(text, '=', bytes);
		char name[NAME_BYTES_MAX];
		if (sign && sign > text && (size_t)(sign - text) < sizeof(name)) {
			snprintf(name, sizeof(name), "%.*s", (int)(sign - text), text);
			int64_t value = strtoll(sign + 1, NULL, 0);
			const char *kept = schema_string(s, name);
			if (kept)
				labels[count++] = (struct type_label){value, value, kept};
		}
		text += bytes + (text[bytes] == ',');
	}
	type->integer.labels = labels;
	type->integer.label_count = labels ? count : 0;
}

static struct type *real_type(struct schema *s, unsigned bytes)
{
	struct type *type = type_integer(s, bytes * 8, false, 10);
	if (type) {
		type->kind = TYPE_REAL;
		memset(&type->integer, 0, sizeof(type->integer));
		type->real.bits = (uint8_t)(bytes * 8);
	}
	return type;
}

static struct type *plain_type(struct schema *s, const struct marker_field *f)
{
	bool is_hex = f->kind == MARKER_HEX || f->kind == MARKER_PTR || f->kind == MARKER_BYTES;
	struct type *type;
	if (f->kind == MARKER_REAL)
		return f->bytes >= 4 ? real_type(s, f->bytes) : NULL;
	type = type_integer(s, f->bytes * 8u, f->is_signed, is_hex ? 16 : 10);
	if (type && f->kind == MARKER_ENUM)
		add_labels(s, type, f->labels);
	if (type && f->kind == MARKER_BOOL)
		add_labels(s, type, "false=0,true=1");
	return type;
}

/* One field, or two: a length goes before what it is the length of. */
static bool add_field(struct schema *s, struct type *payload, uint32_t *at,
		      const struct marker_field *f)
{
	char length[NAME_BYTES_MAX + 8];
	const char *name = schema_string(s, f->name);
	const struct type *type = f->kind == MARKER_TEXT ? type_string(s) : plain_type(s, f);
	if (f->kind == MARKER_BYTES || f->kind == MARKER_ARRAY) {
		snprintf(length, sizeof(length), "%s_length", f->name);
		const char *kept = schema_string(s, length);
		if (!kept)
			return false;
		type_set_field(payload, (*at)++, kept, type_integer(s, 16, false, 10));
		type = type_sequence(s, type, kept);
	}
	if (!name || !type)
		return false;
	type_set_field(payload, (*at)++, name, type);
	return true;
}

static struct type *payload_type(struct schema *s, const struct marker_note *note)
{
	struct cursor fields = note->fields;
	struct marker_field f;
	uint32_t count = 0;
	while (count < 2u * MARKER_FIELDS_MAX && marker_field_next(&fields, &f)) {
		if (!is_name(f.name))
			return NULL;
		count += f.kind == MARKER_BYTES || f.kind == MARKER_ARRAY ? 2 : 1;
	}
	struct type *payload = type_struct(s, count);
	uint32_t at = 0;
	fields = note->fields;
	for (unsigned i = 0; payload && i < note->field_count; i++) {
		if (!marker_field_next(&fields, &f) || !add_field(s, payload, &at, &f))
			return NULL;
	}
	return payload;
}

int user_type_add(struct schema *schema, uint32_t stream_id, uint32_t id, const void *description,
		  size_t bytes, struct err *e)
{
	struct marker_note note;
	char name[2 * NAME_BYTES_MAX];
	struct event_type *type;
	if (!marker_note_parse(&note, description, bytes) || !is_name(note.provider) ||
	    !is_name(note.name))
		return err_set(e, EBADMSG, "the description of marker %u is damaged", id);
	struct type *payload = payload_type(schema, &note);
	if (!payload)
		return err_set(e, EBADMSG, "the fields of marker %s:%s are damaged", note.provider,
			       note.name);
	snprintf(name, sizeof(name), "%s:%s", note.provider, note.name);
	return schema_add(schema, stream_id, id, name, NULL, payload, &type, e);
}
