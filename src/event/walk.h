/* SPDX-License-Identifier: MIT */
/*
 * Reading typed bytes from their start to their end, whatever the types.
 *
 * A walk stands at a bit position inside bytes that somebody else wrote. Everything it reads is
 * checked against their end; the first failure is sticky and every later read gives 0. Positions
 * count from `data`, which must be aligned as the outermost type asks. `budget` bounds the
 * elements visited, so that arrays of nothing inside arrays of nothing come to an end.
 */
#ifndef CAIRN_EVENT_WALK_H
#define CAIRN_EVENT_WALK_H

#include "event/event.h"

struct walk {
	const uint8_t *data;
	uint64_t at_bits, end_bits;
	uint64_t budget;
	bool failed;
	uint64_t saved[TYPE_SAVED_MAX]; /* lengths and tags met so far; see schema.h */
};

/* A piece of text or bytes inside the data. */
struct walk_bytes {
	const char *start;
	size_t bytes;
};

void walk_init(struct walk *w, const void *data, size_t bytes);

/* To the next multiple of `align_bits`. */
static inline void walk_align(struct walk *w, uint32_t align_bits)
{
	w->at_bits = (w->at_bits + align_bits - 1) & ~(uint64_t)(align_bits - 1);
}

/* Over a whole value. */
void walk_skip(struct walk *w, const struct field *f);

/* Scalars: aligns, reads, goes past. Signed integers come sign-extended. */
uint64_t walk_integer(struct walk *w, const struct field *f);
double walk_real(struct walk *w, const struct type *t);

/* A string, or an array or sequence for which type_is_text() holds; without NUL and padding. */
struct walk_bytes walk_text(struct walk *w, const struct type *t);
bool type_is_text(const struct type *t);

/*
 * Into an array or sequence: the number of elements that follow, each to be walked as a field
 * with the element's type (walk_element()).
 */
uint64_t walk_count(struct walk *w, const struct type *t);
struct field walk_element(const struct type *t);

/* Into a variant: the option its tag chose, to be walked next; NULL when there is none. */
const struct field *walk_option(struct walk *w, const struct type *t);

/* From the start of `structure` to one of its fields, through nested structures; false if not. */
bool walk_to(struct walk *w, const struct type *structure, const struct field *f);

/* The label of a value, NULL without one. */
const char *type_label(const struct type *t, int64_t value);

/* `bits` (1 to 64) at a bit position; the caller has checked the bounds. */
uint64_t bits_read(const uint8_t *data, uint64_t at_bits, unsigned bits, bool big_endian);

#endif
