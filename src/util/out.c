/* SPDX-License-Identifier: MIT */
#include "util/out.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { OUT_BYTES = 256 << 10 };

int out_init(struct out *o, int fd)
{
	char *data = malloc(OUT_BYTES);
	if (!data)
		return -ENOMEM;
	*o = (struct out){.at = data, .start = data, .end = data + OUT_BYTES, .fd = fd};
	return 0;
}

void out_deinit(struct out *o)
{
	free(o->start);
	*o = (struct out){.fd = -1};
}

void out_flush(struct out *o)
{
	const char *from = o->start;
	while (from < o->at && !o->error) {
		ssize_t n = write(o->fd, from, (size_t)(o->at - from));
		if (n > 0)
			from += n;
		else if (n < 0 && errno != EINTR)
			o->error = errno;
	}
	o->at = o->start;
}

static const char digit_pairs[] = "0001020304050607080910111213141516171819"
				  "2021222324252627282930313233343536373839"
				  "4041424344454647484950515253545556575859"
				  "6061626364656667686970717273747576777879"
				  "8081828384858687888990919293949596979899";

/* The last digits of `value` in front of `end`; returns where they begin. */
static char *digits_before(char *end, uint64_t value)
{
	for (; value >= 100; value /= 100) {
		end -= 2;
		memcpy(end, digit_pairs + 2 * (value % 100), 2);
	}
	if (value >= 10) {
		end -= 2;
		memcpy(end, digit_pairs + 2 * value, 2);
		return end;
	}
	*--end = (char)('0' + value);
	return end;
}

static unsigned digit_count(uint64_t value)
{
	static const uint64_t powers[] = {
		0,
		10,
		100,
		1000,
		10000,
		100000,
		1000000,
		10000000,
		100000000,
		1000000000,
		10000000000,
		100000000000,
		1000000000000,
		10000000000000,
		100000000000000,
		1000000000000000,
		10000000000000000,
		100000000000000000,
		1000000000000000000,
		10000000000000000000u,
	};
	/* log10(2) is about 1233/4096. */
	unsigned digits = (64 - (unsigned)__builtin_clzll(value | 1)) * 1233 >> 12;
	return digits + (value >= powers[digits]);
}

void out_uint(struct out *o, uint64_t value)
{
	if (value < 10) {
		out_byte(o, (char)('0' + value));
		return;
	}
	o->at += digit_count(value);
	digits_before(o->at, value);
}

void out_int(struct out *o, int64_t value)
{
	if (value < 0)
		out_byte(o, '-');
	out_uint(o, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void out_hex(struct out *o, uint64_t value)
{
	unsigned digits = value ? (67 - (unsigned)__builtin_clzll(value)) / 4 : 1;
	out_raw(o, "0x", 2);
	for (unsigned i = digits; i-- > 0;)
		out_byte(o, "0123456789abcdef"[value >> (4 * i) & 15]);
}

static void out_filled(struct out *o, uint64_t value, unsigned width, char fill)
{
	char digits[20];
	char *start = digits_before(digits + sizeof(digits), value);
	unsigned count = (unsigned)(digits + sizeof(digits) - start);
	for (; count < width; width--)
		out_byte(o, fill);
	out_raw(o, start, count);
}

void out_digits(struct out *o, uint64_t value, unsigned digits)
{
	out_filled(o, value, digits, '0');
}

void out_padded(struct out *o, uint64_t value, unsigned width)
{
	out_filled(o, value, width, ' ');
}

void out_bytes(struct out *o, const char *data, size_t bytes)
{
	while (bytes) {
		size_t piece = bytes < OUT_ROOM_MAX ? bytes : OUT_ROOM_MAX;
		out_room(o, piece);
		out_raw(o, data, piece);
		data += piece;
		bytes -= piece;
	}
}

static void out_escaped(struct out *o, unsigned char c)
{
	static const char escapes[] = "\a\b\t\n\v\f\r\"\\", letters[] = "abtnvfr\"\\";
	const char *found = c ? strchr(escapes, c) : NULL;
	out_byte(o, '\\');
	if (found) {
		out_byte(o, letters[found - escapes]);
		return;
	}
	out_byte(o, 'x');
	out_byte(o, "0123456789abcdef"[c >> 4]);
	out_byte(o, "0123456789abcdef"[c & 15]);
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c != '"' && c != '\\' && c != 0x7f;
}

void out_quoted(struct out *o, const char *data, size_t bytes)
{
	out_room(o, 8);
	out_byte(o, '"');
	for (size_t at = 0; at < bytes; at++) {
		size_t plain = at;
		while (plain < bytes && is_plain((unsigned char)data[plain]))
			plain++;
		out_bytes(o, data + at, plain - at);
		at = plain;
		out_room(o, 8);
		if (at < bytes)
			out_escaped(o, (unsigned char)data[at]);
	}
	out_room(o, 8);
	out_byte(o, '"');
}
