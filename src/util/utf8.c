/* SPDX-License-Identifier: MIT */
#include "util/utf8.h"

#include <stdint.h>

static uint32_t utf8_decode(const char *text, size_t length)
{
	static const uint8_t first_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t character = (uint8_t)text[0] & first_mask[length];
	for (size_t i = 1; i < length; i++)
		character = character << 6 | ((uint8_t)text[i] & 0x3f);
	return character;
}

size_t utf8_length(const char *text, size_t bytes)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = (uint8_t)text[0];
	size_t length = first < 0x80             ? 1
			: (first & 0xe0) == 0xc0 ? 2
			: (first & 0xf0) == 0xe0 ? 3
			: (first & 0xf8) == 0xf0 ? 4
						 : 0;
	if (!length || length > bytes)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (((uint8_t)text[i] & 0xc0) != 0x80)
			return 0;
	}
	uint32_t character = utf8_decode(text, length);
	if (character < least[length] || character > 0x10ffff ||
	    (character >= 0xd800 && character < 0xe000))
		return 0;
	return length;
}

static size_t character_width(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} wide[] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},
		    {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
	if ((c >= 0x300 && c < 0x370) || (c >= 0x200b && c < 0x2010) || (c >= 0xfe00 && c < 0xfe10))
		return 0;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		if (c >= wide[i].first && c <= wide[i].last)
			return 2;
	}
	return 1;
}

/* A byte that is no UTF-8 takes one column, as terminals show it. */
static size_t utf8_step(const char *text, size_t bytes, size_t *width_ret)
{
	size_t length = utf8_length(text, bytes);
	*width_ret = length ? character_width(utf8_decode(text, length)) : 1;
	return length ? length : 1;
}

size_t utf8_width(const char *text, size_t bytes)
{
	size_t columns = 0, width;
	for (size_t at = 0; at < bytes; columns += width)
		at += utf8_step(text + at, bytes - at, &width);
	return columns;
}

size_t utf8_fit(const char *text, size_t bytes, size_t columns)
{
	size_t at = 0, used = 0, width;
	while (at < bytes) {
		size_t step = utf8_step(text + at, bytes - at, &width);
		if (used + width > columns)
			break;
		used += width;
		at += step;
	}
	return at;
}
