/* SPDX-License-Identifier: MIT */
/* Text that people read: where its characters end, and how wide they are on a terminal. */
#ifndef CAIRN_UTIL_UTF8_H
#define CAIRN_UTIL_UTF8_H

#include <stddef.h>

/* Bytes of the character at the start of `bytes` > 0 bytes; 0 when that is no valid UTF-8. */
size_t utf8_length(const char *text, size_t bytes);

/* Columns of a text: 2 for East Asian wide characters, 0 for marks that combine. */
size_t utf8_width(const char *text, size_t bytes);

/* The number of leading bytes that fit into so many columns. */
size_t utf8_fit(const char *text, size_t bytes, size_t columns);

#endif
