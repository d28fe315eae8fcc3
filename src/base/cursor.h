/* SPDX-License-Identifier: MIT */
/*
 * A bounds-checked reader over bytes that somebody else wrote.
 *
 * The failure is sticky: a read past the end returns 0 and marks the cursor; every later
 * read returns 0 too. A parser reads a whole record and asks cursor_ok() once at the end.
 */
#ifndef CAIRN_BASE_CURSOR_H
#define CAIRN_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

static inline struct cursor cursor_over(const void *data, size_t bytes)
{
	const uint8_t *start = (const uint8_t *)data;
	return (struct cursor){.at = start, .end = start + bytes};
}

static inline bool cursor_ok(const struct cursor *c)
{
	return !c->failed;
}

static inline size_t cursor_left(const struct cursor *c)
{
	return c->failed ? 0 : (size_t)(c->end - c->at);
}

/* The next bytes, or NULL (and the failure mark) when there are not that many. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t bytes)
{
	if (cursor_left(c) < bytes) {
		c->failed = true;
		return NULL;
	}
	const uint8_t *taken = c->at;
	c->at += bytes;
	return taken;
}

/* Little-endian integer of 1 to 8 bytes. */
static inline uint64_t cursor_le(struct cursor *c, unsigned bytes)
{
	const uint8_t *p = cursor_take(c, bytes);
	uint64_t value = 0;
	for (unsigned i = 0; p && i < bytes; i++)
		value |= (uint64_t)p[i] << (8 * i);
	return value;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	return (uint8_t)cursor_le(c, 1);
}

static inline uint16_t cursor_u16(struct cursor *c)
{
	return (uint16_t)cursor_le(c, 2);
}

static inline uint32_t cursor_u32(struct cursor *c)
{
	return (uint32_t)cursor_le(c, 4);
}

static inline uint64_t cursor_u64(struct cursor *c)
{
	return cursor_le(c, 8);
}

/* A NUL-terminated string inside the bytes, or NULL when the NUL is missing. */
static inline const char *cursor_string(struct cursor *c)
{
	for (const uint8_t *p = c->at; !c->failed && p < c->end; p++) {
		if (*p == 0) {
			const char *s = (const char *)c->at;
			c->at = p + 1;
			return s;
		}
	}
	c->failed = true;
	return NULL;
}

#endif
