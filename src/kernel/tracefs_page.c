/* SPDX-License-Identifier: MIT */
#include "kernel/tracefs_page.h"

#include <errno.h>

enum {
	COMMIT_BYTES_MASK = (1 << 27) - 1,
	COMMIT_COUNTED = 1u << 30,
	DELTA_BITS = 27,
	LENGTH_BITS = 5,
	LENGTH_MASK = (1 << LENGTH_BITS) - 1,
	LENGTH_IN_WORD = 0,
	PADDING = 29,
	TIME_EXTEND = 30,
	TIME_STAMP = 31,
};

#define COMMIT_MISSED (1u << 31)

/* An absolute stamp has 59 bits; those above stay as they are. */
#define STAMP_MASK ((1ull << 59) - 1)

int tracefs_page_open(struct tracefs_page *ret, const void *page, size_t bytes)
{
	struct cursor c = cursor_over(page, bytes);
	uint64_t time = cursor_u64(&c);
	uint64_t commit = cursor_u64(&c);
	size_t data_bytes = commit & COMMIT_BYTES_MASK;
	if (!cursor_ok(&c) || cursor_left(&c) < data_bytes)
		return -EINVAL;
	*ret = (struct tracefs_page){.data = cursor_over(c.at, data_bytes), .time = time};
	if (commit & COMMIT_MISSED)
		ret->loss = TRACEFS_LOSS_UNCOUNTED;
	if (commit & COMMIT_MISSED && commit & COMMIT_COUNTED) {
		cursor_take(&c, data_bytes);
		ret->lost = cursor_u64(&c);
		if (!cursor_ok(&c))
			return -EINVAL;
		ret->loss = TRACEFS_LOSS_COUNTED;
	}
	return 0;
}

/* What follows the header of a type that carries no record; false at the data's end. */
static bool skip(struct tracefs_page *page, unsigned type, uint32_t delta)
{
	struct cursor *c = &page->data;
	/* Padding without a delta: nothing else is on the page. */
	if (type == PADDING && !delta) {
		c->at = c->end;
		return false;
	}
	uint32_t word = cursor_u32(c);
	uint64_t time = (uint64_t)word << DELTA_BITS | delta;
	if (type == PADDING) {
		page->time += delta;
		/* The word counts itself. */
		cursor_take(c, word < sizeof(word) ? 0 : word - sizeof(word));
	} else if (type == TIME_EXTEND) {
		page->time += time;
	} else {
		page->time = (page->time & ~STAMP_MASK) | (time & STAMP_MASK);
	}
	return true;
}

int tracefs_page_next(struct tracefs_page *page, struct tracefs_record *ret)
{
	struct cursor *c = &page->data;
	while (cursor_left(c)) {
		uint32_t header = cursor_u32(c);
		unsigned type = header & LENGTH_MASK;
		uint32_t delta = header >> LENGTH_BITS;
		if (type >= PADDING) {
			if (!skip(page, type, delta))
				break;
			continue;
		}
		uint32_t bytes = type * 4;
		if (type == LENGTH_IN_WORD) {
			uint32_t word = cursor_u32(c);
			bytes = word < sizeof(word) ? 0 : word - (uint32_t)sizeof(word);
		}
		const void *data = cursor_take(c, ((size_t)bytes + 3) & ~(size_t)3);
		if (!data)
			break;
		page->time += delta;
		*ret = (struct tracefs_record){page->time, data, bytes};
		return 1;
	}
	return cursor_ok(c) ? 0 : -EINVAL;
}
