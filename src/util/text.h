/* SPDX-License-Identifier: MIT */
/*
 * A growing string. `data` is NUL-terminated whenever it is not NULL. Running out of memory is
 * sticky (`failed`), so that a writer asks once at the end.
 */
#ifndef CAIRN_UTIL_TEXT_H
#define CAIRN_UTIL_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *data;
	size_t bytes; /* without the NUL */
	size_t capacity;
	bool failed;
};

void text_append(struct text *t, const void *data, size_t bytes);
void text_print(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprint(struct text *t, const char *format, va_list args);
void text_clear(struct text *t); /* keeps the memory */
void text_deinit(struct text *t);
#define CLEANUP_TEXT __attribute__((cleanup(text_deinit)))

/* "*" and "?" match as in a shell, everything else literally. */
bool text_glob(const char *pattern, const char *string);

/* A whole decimal number within bounds; 0, or -EINVAL. */
int text_parse_number(const char *string, int64_t least, int64_t most, int64_t *ret);

/* A byte count such as 4M, 512k, 1G, 4096; returns 0, or -EINVAL. */
int text_parse_bytes(const char *string, unsigned long long *ret);

/* A duration such as 2s, 150ms, 1.5s, 3m; a bare number is seconds. 0 or -EINVAL. */
int text_parse_duration(const char *string, unsigned long long *ns_ret);

/* "a/./b/../c" → "a/c", in place. Leading ".." of a relative path stay. */
void text_normalize_path(char *path);

#endif
