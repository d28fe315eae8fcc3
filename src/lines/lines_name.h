/* SPDX-License-Identifier: MIT */
/*
 * The name model: names are sorted and told in groups of LINES_NAME_GROUP, each by what it shares
 * with the one before it and the bytes that follow. For both directions, as lines_row.h is.
 */
#ifndef CAIRN_LINES_LINES_NAME_H
#define CAIRN_LINES_LINES_NAME_H

#include "lines/lines_row.h"

static inline uint32_t lines_code_byte(struct lines_coder *c, const char *name, uint32_t at,
				       uint32_t shared, uint8_t byte)
{
	uint32_t one = at > 0 ? (uint8_t)name[at - 1] : 0;
	uint32_t two = at > 1 ? (uint8_t)name[at - 2] : 0;
	uint32_t three = at > 2 ? (uint8_t)name[at - 3] : 0;
	uint32_t four = at > 3 ? (uint8_t)name[at - 4] : 0;
	c->contexts[0] = lines_mix(900, at == shared);
	c->contexts[1] = lines_mix(901, one);
	c->contexts[2] = lines_mix(902, one | two << 8);
	c->contexts[3] = lines_mix(903, one | two << 8 | three << 16);
	c->contexts[4] = lines_mix(904, one | two << 8 | three << 16 | four << 24);
	uint32_t got = 1;
	for (unsigned i = 8; i-- > 0;)
		got = got * 2 + lines_bit(c, got, LINES_CONTEXTS, (uint32_t)byte >> i & 1);
	return got & 255;
}

/*
 * The next name of a group, over the one before it in `name` with its `bytes`; without a NUL.
 * Returns its length, LINES_NAME_MAX at most.
 */
static inline uint32_t lines_code_name(struct lines_coder *c, char *name, uint32_t bytes,
				       const char *next, uint32_t next_shared)
{
	for (uint32_t i = 0; i < LINES_CONTEXTS; i++)
		c->contexts[i] = lines_mix(910 + i, i ? bytes / i : 0);
	uint32_t shared = lines_number(c, 0, next_shared + 1) - 1, at;
	shared = shared < bytes ? shared : bytes;
	for (at = shared; at < LINES_NAME_MAX; at++) {
		uint32_t byte = lines_code_byte(c, name, at, shared, next ? (uint8_t)next[at] : 0);
		if (!byte)
			break;
		name[at] = (char)byte;
	}
	return at;
}

#endif
