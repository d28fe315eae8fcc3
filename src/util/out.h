/* SPDX-License-Identifier: MIT */
/*
 * Buffered output for text made by the million: numbers without printf.
 *
 * A writer asks for room (up to OUT_ROOM_MAX) once for several small pieces; the inline functions
 * below take it for granted. The first failure of write() is kept and everything after it dropped.
 */
#ifndef CAIRN_UTIL_OUT_H
#define CAIRN_UTIL_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { OUT_ROOM_MAX = 4096, OUT_PIECE = 32 };

struct out {
	char *at, *start, *end;
	int fd;
	int error; /* errno of the first failure, else 0 */
};

int out_init(struct out *o, int fd); /* 0 or -ENOMEM */
void out_deinit(struct out *o);      /* flushes nothing */
void out_flush(struct out *o);

static inline void out_room(struct out *o, size_t bytes)
{
	if ((size_t)(o->end - o->at) < bytes)
		out_flush(o);
}

/* These need room: their bytes; 20 for decimals, 18 for hexadecimals. */
static inline void out_byte(struct out *o, char c)
{
	*o->at++ = c;
}

static inline void out_raw(struct out *o, const char *data, size_t bytes)
{
	memcpy(o->at, data, bytes);
	o->at += bytes;
}

/* Up to OUT_PIECE bytes from a buffer of OUT_PIECE: copied without a loop; needs that room. */
static inline void out_piece(struct out *o, const char *data, size_t bytes)
{
	memcpy(o->at, data, OUT_PIECE);
	o->at += bytes;
}

/* Blanks up to `width` (at most OUT_PIECE) behind `start`; needs room for them. */
static inline void out_column(struct out *o, char *start, size_t width)
{
	size_t used = (size_t)(o->at - start);
	if (used >= width)
		return;
	memset(o->at, ' ', OUT_PIECE);
	o->at = start + width;
}

void out_uint(struct out *o, uint64_t value);
void out_int(struct out *o, int64_t value);
void out_hex(struct out *o, uint64_t value);                     /* 0x1f */
void out_digits(struct out *o, uint64_t value, unsigned digits); /* with leading zeros */
void out_padded(struct out *o, uint64_t value, unsigned width);  /* with leading blanks */

/* These make room themselves. */
void out_bytes(struct out *o, const char *data, size_t bytes);
void out_quoted(struct out *o, const char *data, size_t bytes); /* "…" with C's escapes */

static inline void out_text(struct out *o, const char *text)
{
	out_bytes(o, text, strlen(text));
}

#endif
