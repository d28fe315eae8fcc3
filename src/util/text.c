/* SPDX-License-Identifier: MIT */
#include "util/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool text_room(struct text *t, size_t more)
{
	if (t->failed)
		return false;
	if (t->bytes + more < t->capacity)
		return true;
	size_t capacity = t->capacity ? t->capacity : 128;
	while (capacity <= t->bytes + more)
		capacity *= 2;
	char *grown = realloc(t->data, capacity);
	if (!grown) {
		t->failed = true;
		return false;
	}
	t->data = grown;
	t->capacity = capacity;
	return true;
}

void text_append(struct text *t, const void *data, size_t bytes)
{
	if (!text_room(t, bytes))
		return;
	memcpy(t->data + t->bytes, data, bytes);
	t->bytes += bytes;
	t->data[t->bytes] = 0;
}

void text_vprint(struct text *t, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	/* Mostly there is room already, and once is enough. */
	size_t room = t->failed || !t->data ? 0 : t->capacity - t->bytes;
	int n = vsnprintf(room ? t->data + t->bytes : NULL, room, format, args);
	if (room && (n < 0 || (size_t)n >= room))
		t->data[t->bytes] = 0;
	if (n < 0) {
		t->failed = true;
	} else if ((size_t)n < room) {
		t->bytes += (size_t)n;
	} else if (text_room(t, (size_t)n + 1)) {
		vsnprintf(t->data + t->bytes, (size_t)n + 1, format, again);
		t->bytes += (size_t)n;
	}
	va_end(again);
}

void text_print(struct text *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	text_vprint(t, format, args);
	va_end(args);
}

void text_clear(struct text *t)
{
	t->bytes = 0;
	if (t->data)
		t->data[0] = 0;
}

void text_deinit(struct text *t)
{
	free(t->data);
	*t = (struct text){0};
}

bool text_glob(const char *pattern, const char *string)
{
	const char *star = NULL, *retry = NULL;
	while (*string) {
		if (*pattern == '*') {
			star = pattern++;
			retry = string;
		} else if (*pattern == '?' || *pattern == *string) {
			pattern++;
			string++;
		} else if (star) {
			pattern = star + 1;
			string = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == 0;
}

int text_parse_number(const char *string, int64_t least, int64_t most, int64_t *ret)
{
	char *end;
	errno = 0;
	long long value = strtoll(string, &end, 10);
	if (errno || end == string || *end || value < least || value > most)
		return -EINVAL;
	*ret = value;
	return 0;
}

int text_parse_bytes(const char *string, unsigned long long *ret)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(string, &end, 10);
	if (errno || end == string || *string == '-')
		return -EINVAL;
	unsigned shift = 0;
	switch (*end) {
	case 'k':
	case 'K':
		shift = 10;
		break;
	case 'm':
	case 'M':
		shift = 20;
		break;
	case 'g':
	case 'G':
		shift = 30;
		break;
	}
	end += shift != 0;
	if (shift && (*end == 'B' || *end == 'b'))
		end++;
	if (*end || value > (~0ULL >> shift))
		return -EINVAL;
	*ret = value << shift;
	return 0;
}

int text_parse_duration(const char *string, unsigned long long *ns_ret)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"", 1e9},   {"s", 1e9},  {"ms", 1e6},   {"us", 1e3},
		     {"ns", 1e0}, {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}};
	char *end;
	double value = strtod(string, &end);
	if (end == string || !(value >= 0))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) == 0 && value * units[i].ns < 9e18) {
			*ns_ret = (unsigned long long)(value * units[i].ns);
			return 0;
		}
	}
	return -EINVAL;
}

void text_normalize_path(char *path)
{
	char *out = path + (*path == '/'), *start = out;
	for (char *part = out; *part;) {
		size_t bytes = strcspn(part, "/");
		char *next = part + bytes + (part[bytes] == '/');
		bool is_parent = bytes == 2 && part[0] == '.' && part[1] == '.';
		char *last = out;
		while (last > start && (last == out || last[-1] != '/'))
			last--;
		if (is_parent && out > start && strncmp(last, "../", 3)) {
			out = last;
		} else if (bytes && !(bytes == 1 && part[0] == '.') &&
			   !(is_parent && *path == '/')) {
			memmove(out, part, (size_t)(next - part));
			out += next - part;
		}
		part = next;
	}
	*out = 0;
}
