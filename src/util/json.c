/* SPDX-License-Identifier: MIT */
#include "util/json.h"
#include "util/utf8.h"

#include <math.h>
#include <string.h>

static bool is_plain(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void write_string(struct text *out, const char *value, size_t bytes)
{
	text_append(out, "\"", 1);
	for (size_t at = 0; at < bytes;) {
		size_t plain = at;
		while (plain < bytes && is_plain((uint8_t)value[plain]))
			plain++;
		text_append(out, value + at, plain - at);
		at = plain;
		if (at == bytes)
			break;
		uint8_t byte = (uint8_t)value[at];
		size_t length = utf8_length(value + at, bytes - at);
		if (!length)
			text_append(out, "\xef\xbf\xbd", 3);
		else if (byte == '"' || byte == '\\')
			text_print(out, "\\%c", byte);
		else if (byte < 0x20 || byte == 0x7f)
			text_print(out, "\\u%04x", byte);
		else
			text_append(out, value + at, length);
		at += length ? length : 1;
	}
	text_append(out, "\"", 1);
}

static void json_break(struct json *j)
{
	static const char line[] =
		"\n\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t";
	if (!j->compact)
		text_append(j->out, line, 1 + (size_t)j->depth);
}

/* Everything before a value: the comma, a new line, the key. */
static void json_begin(struct json *j, const char *key)
{
	if (j->filled[j->depth])
		text_append(j->out, ",", 1);
	if (j->depth)
		json_break(j);
	j->filled[j->depth] = true;
	if (!key)
		return;
	write_string(j->out, key, strlen(key));
	text_append(j->out, ": ", j->compact ? 1 : 2);
}

void json_open(struct json *j, const char *key, char bracket)
{
	json_begin(j, key);
	text_append(j->out, &bracket, 1);
	if (j->depth == JSON_DEPTH_MAX) {
		j->out->failed = true;
		return;
	}
	j->closers[j->depth++] = bracket == '{' ? '}' : ']';
	j->filled[j->depth] = false;
}

void json_close(struct json *j)
{
	if (!j->depth)
		return;
	bool filled = j->filled[j->depth--];
	if (filled)
		json_break(j);
	text_append(j->out, &j->closers[j->depth], 1);
	if (!j->depth)
		text_append(j->out, "\n", 1);
}

void json_bytes(struct json *j, const char *key, const char *value, size_t bytes)
{
	json_begin(j, key);
	write_string(j->out, value, bytes);
}

void json_string(struct json *j, const char *key, const char *value)
{
	if (value)
		json_bytes(j, key, value, strlen(value));
	else
		json_null(j, key);
}

static void write_number(struct text *out, uint64_t value, bool negative)
{
	char digits[21];
	char *start = digits + sizeof(digits);
	do
		*--start = (char)('0' + value % 10);
	while (value /= 10);
	if (negative)
		*--start = '-';
	text_append(out, start, (size_t)(digits + sizeof(digits) - start));
}

void json_uint(struct json *j, const char *key, uint64_t value)
{
	json_begin(j, key);
	write_number(j->out, value, false);
}

void json_int(struct json *j, const char *key, int64_t value)
{
	json_begin(j, key);
	write_number(j->out, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
}

void json_real(struct json *j, const char *key, double value)
{
	if (!isfinite(value)) {
		json_null(j, key); /* JSON has no such number */
		return;
	}
	json_begin(j, key);
	text_print(j->out, "%.17g", value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	json_begin(j, key);
	text_append(j->out, value ? "true" : "false", value ? 4 : 5);
}

void json_null(struct json *j, const char *key)
{
	json_begin(j, key);
	text_append(j->out, "null", 4);
}
