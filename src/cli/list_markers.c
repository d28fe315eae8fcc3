/* SPDX-License-Identifier: MIT */
#include "cli/list_markers.h"

#include "switchboard/board.h"
#include "util/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "int32", "text", "uint8[]": as C names what it is. */
static void print_type(const struct marker_field *f, char *ret, size_t bytes)
{
	static const char *const names[] = {
		[MARKER_INT] = "",      [MARKER_HEX] = "hex",     [MARKER_PTR] = "pointer",
		[MARKER_REAL] = "real", [MARKER_BOOL] = "bool",   [MARKER_ENUM] = "enum",
		[MARKER_TEXT] = "text", [MARKER_BYTES] = "bytes", [MARKER_ARRAY] = ""};
	const char *integer = f->is_signed ? "int" : "uint";
	switch (f->kind) {
	case MARKER_INT:
	case MARKER_ARRAY:
		snprintf(ret, bytes, "%s%u%s", integer, f->bytes * 8u,
			 f->kind == MARKER_ARRAY ? "[]" : "");
		break;
	case MARKER_HEX:
	case MARKER_REAL:
		snprintf(ret, bytes, "%s%u", names[f->kind], f->bytes * 8u);
		break;
	default:
		snprintf(ret, bytes, "%s", names[f->kind]);
	}
}

/* Sites of one name that describe it differently: none of them is ever recorded. */
static bool clashes(const struct board_module *m, const struct board_marker *marker)
{
	uint64_t hash = marker_note_hash(&marker->note);
	array_each(other, &m->markers) {
		if (!strcmp(other->note.provider, marker->note.provider) &&
		    !strcmp(other->note.name, marker->note.name) &&
		    marker_note_hash(&other->note) != hash)
			return true;
	}
	return false;
}

static const char *state_of(const struct board *b, const struct board_module *m,
			    const struct board_marker *marker)
{
	if (clashes(m, marker))
		return "clash";
	if (!b->pid)
		return "-";
	if (marker->id)
		return marker->tracers ? "on, traced" : "on";
	return marker->tracers ? "traced" : "off";
}

static void print_line(struct text *text, const struct board *b, const struct board_module *m,
		       const struct board_marker *marker)
{
	struct cursor fields = marker->note.fields;
	struct marker_field f;
	char name[256], place[256], type[64];
	snprintf(name, sizeof(name), "%s:%s", marker->note.provider, marker->note.name);
	snprintf(place, sizeof(place), "%s:%u", marker->note.file, marker->note.line);
	text_print(text, "  %-28s %-4s %s", name, state_of(b, m, marker), place);
	if (marker->note.level)
		text_print(text, "  level %u", marker->note.level);
	for (unsigned i = 0; i < marker->note.field_count && marker_field_next(&fields, &f); i++) {
		print_type(&f, type, sizeof(type));
		text_print(text, "%s %s:%s", i ? "," : " ", f.name, type);
	}
	text_print(text, "\n");
}

static void print_json(struct json *j, const struct board *b, const struct board_module *m,
		       const struct board_marker *marker)
{
	struct cursor fields = marker->note.fields;
	struct marker_field f;
	char type[64];
	json_open(j, NULL, '{');
	json_string(j, "module", m->path);
	json_string(j, "provider", marker->note.provider);
	json_string(j, "name", marker->note.name);
	json_string(j, "file", marker->note.file);
	json_uint(j, "line", marker->note.line);
	json_uint(j, "level", marker->note.level);
	json_string(j, "state", state_of(b, m, marker));
	json_open(j, "fields", '[');
	for (unsigned i = 0; i < marker->note.field_count && marker_field_next(&fields, &f); i++) {
		print_type(&f, type, sizeof(type));
		json_open(j, NULL, '{');
		json_string(j, "name", f.name);
		json_string(j, "type", type);
		json_string(j, "labels", *f.labels ? f.labels : NULL);
		json_close(j);
	}
	json_close(j);
	json_close(j);
}

static int by_place(const void *a, const void *b)
{
	const struct board_marker *x = a, *y = b;
	int order = strcmp(x->note.provider, y->note.provider);
	order = order ? order : strcmp(x->note.name, y->note.name);
	order = order ? order : strcmp(x->note.file, y->note.file);
	return order ? order : (x->note.line > y->note.line) - (x->note.line < y->note.line);
}

/* A site that was inlined several times is one to whoever wrote it. */
static void print_module(struct text *text, struct json *writer, const struct board *b,
			 struct board_module *m)
{
	if (m->markers.count)
		qsort(m->markers.items, m->markers.count, sizeof(*m->markers.items), by_place);
	if (!writer && m->markers.count)
		text_print(text, "%s\n", m->path);
	array_each(marker, &m->markers) {
		if (marker > m->markers.items && by_place(marker - 1, marker) == 0)
			continue;
		if (writer)
			print_json(writer, b, m, marker);
		else
			print_line(text, b, m, marker);
	}
}

int list_markers(struct text *text, struct json *writer, const char *file, pid_t pid, struct err *e)
{
	struct board b;
	int status = file ? board_open_file(&b, file, e) : board_open_process(&b, pid, e);
	if (status < 0)
		return status;
	size_t before = text->bytes;
	if (writer)
		json_open(writer, "markers", '[');
	array_each(m, &b.modules)
		print_module(text, writer, &b, m);
	if (writer)
		json_close(writer);
	else if (text->bytes == before && file)
		text_print(text, "%s has no markers\n", file);
	else if (text->bytes == before)
		text_print(text, "process %d has no markers\n", (int)pid);
	board_close(&b);
	return 0;
}
