/* SPDX-License-Identifier: MIT */
/*
 * Machine code on its way into a buffer, which will run at an address of its own.
 *
 * The failure is sticky, as in base/cursor.h: what does not fit marks the emitter, and the
 * caller asks emit_ok() once at the end.
 */
#ifndef CAIRN_BASE_EMIT_H
#define CAIRN_BASE_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct emit {
	uint8_t *code;
	size_t bytes, room;
	uint64_t address; /* where code[0] will run */
	bool failed;
};

static inline struct emit emit_into(void *code, size_t room, uint64_t address)
{
	return (struct emit){.code = (uint8_t *)code, .room = room, .address = address};
}

static inline bool emit_ok(const struct emit *out)
{
	return !out->failed;
}

/* Where the next byte will run. */
static inline uint64_t emit_here(const struct emit *out)
{
	return out->address + out->bytes;
}

static inline void emit_bytes(struct emit *out, const void *data, size_t bytes)
{
	if (out->failed || bytes > out->room - out->bytes) {
		out->failed = true;
		return;
	}
	__builtin_memcpy(out->code + out->bytes, data, bytes);
	out->bytes += bytes;
}

static inline void emit_u8(struct emit *out, unsigned value)
{
	uint8_t byte = (uint8_t)value;
	emit_bytes(out, &byte, 1);
}

/* Little-endian, as this machine stores it. */
static inline void emit_u32(struct emit *out, uint32_t value)
{
	emit_bytes(out, &value, sizeof(value));
}

static inline void emit_u64(struct emit *out, uint64_t value)
{
	emit_bytes(out, &value, sizeof(value));
}

#endif
