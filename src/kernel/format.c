/* SPDX-License-Identifier: MIT */
#include "kernel/format.h"

#include "kernel/tracefs.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The integer types of the format files whose width their field's size does not tell. */
static const struct {
	const char *name;
	uint8_t bytes;
	bool is_signed;
} c_types[] = {
	{"char", 1, true},
	{"bool", 1, false},
	{"unsigned char", 1, false},
	{"u8", 1, false},
	{"__u8", 1, false},
	{"uint8_t", 1, false},
	{"s8", 1, true},
	{"short", 2, true},
	{"unsigned short", 2, false},
	{"u16", 2, false},
	{"__u16", 2, false},
	{"uint16_t", 2, false},
	{"umode_t", 2, false},
	{"int", 4, true},
	{"unsigned int", 4, false},
	{"unsigned", 4, false},
	{"u32", 4, false},
	{"__u32", 4, false},
	{"uint32_t", 4, false},
	{"s32", 4, true},
	{"pid_t", 4, true},
	{"uid_t", 4, false},
	{"gid_t", 4, false},
	{"long", 8, true},
	{"unsigned long", 8, false},
	{"u64", 8, false},
	{"__u64", 8, false},
	{"uint64_t", 8, false},
	{"s64", 8, true},
	{"cpumask_t", 8, false},
};

/* Bytes of the C type, 0 for one not in the table. */
static uint8_t c_type_bytes(const char *type, bool *is_signed)
{
	for (size_t i = 0; i < sizeof(c_types) / sizeof(c_types[0]); i++) {
		if (strcmp(c_types[i].name, type) == 0) {
			*is_signed = c_types[i].is_signed;
			return c_types[i].bytes;
		}
	}
	return 0;
}

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static char *trim(char *s)
{
	s += strspn(s, " \t");
	for (char *end = s + strlen(s); end > s && strchr(" \t\r", end[-1]); end--)
		end[-1] = 0;
	return s;
}

/* What the declaration says beside type and name. */
struct declaration {
	bool is_dynamic;
	bool is_relative;
	bool is_array;
	unsigned count; /* of a fixed array, 0 when it is not a plain number */
};

static char *take_prefix(char *s, const char *prefix)
{
	size_t length = strlen(prefix);
	return strncmp(s, prefix, length) == 0 ? s + length : NULL;
}

/* Cuts "__data_loc char[] name", "char comm[16]", "void * work" into type and name, in place. */
static bool split_declaration(char *s, struct declaration *d, struct format_field *field)
{
	char *rest;
	s = trim(s);
	if ((rest = take_prefix(s, "__data_loc ")) || (rest = take_prefix(s, "__rel_loc "))) {
		d->is_dynamic = true;
		d->is_relative = s[2] == 'r';
		s = trim(rest);
	}
	size_t length = strlen(s);
	char *bracket = length && s[length - 1] == ']' ? strrchr(s, '[') : NULL;
	if (bracket) {
		d->is_array = true;
		d->count = (unsigned)strtoul(bracket + 1, NULL, 0);
		*bracket = 0;
		s = trim(s);
	}
	char *name = s + strlen(s);
	while (name > s && is_word_char(name[-1]))
		name--;
	if (name == s || !*name || isdigit((unsigned char)*name))
		return false;
	field->name = name;
	/* Where the type touches the name ("char *p") it moves right, over the old ";". */
	if (!strchr(" \t", name[-1])) {
		memmove(name + 1, name, strlen(name) + 1);
		field->name = name + 1;
		*name = 0;
	} else {
		name[-1] = 0;
	}
	rest = strstr(s, "[]");
	if (rest)
		*rest = 0;
	field->type = trim(s);
	return true;
}

static void set_array(struct format_field *field, const struct declaration *d)
{
	bool is_signed = field->is_signed;
	uint8_t bytes = c_type_bytes(field->type, &is_signed);
	if (d->count && field->size % d->count == 0 && field->size / d->count <= 8)
		bytes = (uint8_t)(field->size / d->count);
	bool fits = (bytes == 2 || bytes == 4 || bytes == 8) && field->size % bytes == 0;
	field->element_bytes = fits || d->is_dynamic ? bytes : 1;
	if (!field->element_bytes)
		field->element_bytes = 1;
	field->is_signed = is_signed;
	field->is_relative = d->is_relative;
	bool is_text = strcmp(field->type, "char") == 0;
	if (d->is_dynamic)
		field->kind = is_text ? FORMAT_DYNAMIC_TEXT : FORMAT_DYNAMIC_ARRAY;
	else
		field->kind = is_text ? FORMAT_TEXT : FORMAT_ARRAY;
}

static void set_kind(struct format_field *field, const struct declaration *d)
{
	uint16_t size = field->size;
	if (d->is_dynamic || d->is_array || !(size == 1 || size == 2 || size == 4 || size == 8)) {
		set_array(field, d);
		return;
	}
	field->kind = FORMAT_INTEGER;
	if (strchr(field->type, '*')) {
		field->kind = FORMAT_POINTER;
		field->is_signed = false;
	} else if (size == 8) {
		/* A system call's argument stands in 8 bytes, whatever its type. */
		bool is_signed = field->is_signed;
		uint8_t bytes = c_type_bytes(field->type, &is_signed);
		if (bytes && bytes < 8) {
			field->size = bytes;
			field->is_signed = is_signed;
		}
	}
	field->element_bytes = (uint8_t)field->size;
}

/* "\tfield:TYPE NAME;\toffset:8;\tsize:4;\tsigned:1;" behind "field:"; 0, or -EINVAL. */
static int parse_field(struct format *f, char *line)
{
	char *end = strchr(line, ';');
	unsigned offset, size, is_signed = 0;
	if (!end || sscanf(end, "; offset:%u; size:%u; signed:%u;", &offset, &size, &is_signed) < 2)
		return -EINVAL;
	*end = 0;
	if (offset > FORMAT_FIXED_BYTES_MAX || size > FORMAT_FIXED_BYTES_MAX - offset)
		return -EINVAL;
	struct format_field field = {
		.offset = (uint16_t)offset, .size = (uint16_t)size, .is_signed = is_signed};
	struct declaration d = {0};
	if (!split_declaration(line, &d, &field) || (d.is_dynamic && size != 4))
		return -EINVAL;
	if (strncmp(field.name, "common_", 7) == 0 || size == 0)
		return 0;
	if (f->field_count == FORMAT_FIELDS_MAX || offset < f->fixed_bytes)
		return -EINVAL;
	set_kind(&field, &d);
	f->fixed_bytes = field.offset + field.size;
	f->fields[f->field_count++] = field;
	return 0;
}

static int parse_line(struct format *f, char *line)
{
	char *rest;
	line = trim(line);
	if ((rest = take_prefix(line, "name:")))
		f->name = trim(rest);
	else if ((rest = take_prefix(line, "ID:")))
		f->id = (uint32_t)strtoul(rest, NULL, 10);
	else if ((rest = take_prefix(line, "field:")))
		return parse_field(f, rest);
	return 0;
}

/* Of a probe's values only their print says which are addresses: "file=0x%Lx". */
static void mark_addresses(struct format *f, const char *print)
{
	char shown[80];
	for (size_t i = 0; i < f->field_count; i++) {
		struct format_field *field = &f->fields[i];
		snprintf(shown, sizeof(shown), " %.60s=0x%%", field->name);
		if (field->kind == FORMAT_INTEGER && field->size == 8 && !field->is_signed &&
		    (!strncmp(field->name, "__probe_", 8) || strstr(print, shown)))
			field->kind = FORMAT_POINTER;
	}
}

static int parse_lines(struct format *f, char *text, struct err *e)
{
	unsigned number = 1;
	for (char *line = text; line; number++) {
		char *next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		/* Everything below is for printing, and long. */
		char *print = take_prefix(line, "print fmt:");
		if (print) {
			mark_addresses(f, print);
			break;
		}
		if (parse_line(f, line))
			return err_set(e, EINVAL, "format of %s:%s: line %u is no usable field",
				       f->subsystem, f->name, number);
		line = next;
	}
	if (!*f->name || !f->id)
		return err_set(e, EINVAL, "format of an event in %s: no name or no ID",
			       f->subsystem);
	return 0;
}

int format_parse(struct format *ret, const char *subsystem, const char *text, size_t bytes,
		 struct err *e)
{
	size_t prefix = strlen(subsystem) + 1;
	struct format f = {.name = "", .fixed_bytes = FORMAT_COMMON_BYTES};
	f.text = calloc(1, prefix + bytes + 1);
	f.fields = calloc(FORMAT_FIELDS_MAX, sizeof(*f.fields));
	if (!f.text || !f.fields) {
		format_deinit(&f);
		return err_set(e, ENOMEM, "no memory for the format of an event");
	}
	memcpy(f.text, subsystem, prefix);
	memcpy(f.text + prefix, text, bytes);
	f.subsystem = f.text;
	int result = parse_lines(&f, f.text + prefix, e);
	if (result)
		format_deinit(&f);
	else
		*ret = f;
	return result;
}

int format_read(struct format *ret, const char *tracefs, const char *subsystem, const char *name,
		struct err *e)
{
	struct text text = {0};
	int result = tracefs_read(&text, e, "%s/events/%s/%s/format", tracefs, subsystem, name);
	if (!result)
		result = format_parse(ret, subsystem, text.data, text.bytes, e);
	text_deinit(&text);
	return result;
}

void format_deinit(struct format *f)
{
	free(f->fields);
	free(f->text);
	*f = (struct format){0};
}

const struct format_field *format_find(const struct format *f, const char *name)
{
	for (size_t i = 0; i < f->field_count; i++)
		if (strcmp(f->fields[i].name, name) == 0)
			return &f->fields[i];
	return NULL;
}

uint64_t format_uint(const struct format_field *field, const void *record, size_t record_bytes)
{
	uint64_t value = 0;
	if (field->size > 8 || field->offset + (size_t)field->size > record_bytes)
		return 0;
	memcpy(&value, (const uint8_t *)record + field->offset, field->size);
	unsigned shift = 64u - 8u * field->size;
	return field->is_signed ? (uint64_t)((int64_t)(value << shift) >> shift) : value;
}

const void *format_bytes(const struct format_field *field, const void *record, size_t record_bytes,
			 size_t *bytes_ret)
{
	size_t at = field->offset, bytes = field->size;
	if (at + bytes > record_bytes)
		return NULL;
	if (format_is_dynamic(field)) {
		uint32_t word;
		memcpy(&word, (const uint8_t *)record + at, sizeof(word));
		at = (word & 0xffff) + (field->is_relative ? at + sizeof(word) : 0);
		bytes = word >> 16;
		if (at + bytes > record_bytes)
			return NULL;
	}
	*bytes_ret = bytes;
	return (const uint8_t *)record + at;
}
