/* SPDX-License-Identifier: MIT */
/* Numbers of DWARF's variable length, read from a cursor; bits above the 64th are dropped. */
#ifndef CAIRN_BASE_LEB128_H
#define CAIRN_BASE_LEB128_H

#include "base/cursor.h"

static inline uint64_t cursor_uleb(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned shift = 0; cursor_left(c); shift += 7) {
		uint8_t byte = cursor_u8(c);
		if (shift < 64)
			value |= (uint64_t)(byte & 127) << shift;
		if (!(byte & 128))
			return value;
	}
	c->failed = true;
	return 0;
}

static inline int64_t cursor_sleb(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned shift = 0; cursor_left(c);) {
		uint8_t byte = cursor_u8(c);
		if (shift < 64)
			value |= (uint64_t)(byte & 127) << shift;
		shift += 7;
		if (byte & 128)
			continue;
		if (shift < 64 && (byte & 64))
			value |= ~0ull << shift;
		return (int64_t)value;
	}
	c->failed = true;
	return 0;
}

#endif
