/* SPDX-License-Identifier: MIT */
/*
 * Writes JSON into a text: commas, quotes and line breaks are its business.
 *
 *	struct json j = {.out = &text};
 *	json_open(&j, NULL, '{');
 *	json_uint(&j, "events", 7);
 *	json_open(&j, "names", '[');
 *	json_string(&j, NULL, "x");
 *	json_close(&j);
 *	json_close(&j);
 *
 * `key` is NULL inside an array and for the outermost value. Bytes that are no UTF-8 come out as
 * U+FFFD. Numbers are exact; readers that take them for doubles see 53 bits.
 */
#ifndef CAIRN_UTIL_JSON_H
#define CAIRN_UTIL_JSON_H

#include "util/text.h"

#include <stdbool.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 32 };

struct json {
	struct text *out;
	bool compact; /* all on one line */
	unsigned depth;
	char closers[JSON_DEPTH_MAX];
	bool filled[JSON_DEPTH_MAX + 1]; /* the container at this depth has a value already */
};

void json_open(struct json *j, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *j);

void json_string(struct json *j, const char *key, const char *value); /* NULL gives null */
void json_bytes(struct json *j, const char *key, const char *value, size_t bytes);
void json_uint(struct json *j, const char *key, uint64_t value);
void json_int(struct json *j, const char *key, int64_t value);
void json_real(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

#endif
