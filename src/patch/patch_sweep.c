/* SPDX-License-Identifier: MIT */
/*
 * The one pass over a file's code. What decodes from a function's start to its end is known, and
 * instruction for instruction; anything else may start an instruction at every byte, so that its
 * branches are those of every reading.
 */
#include "patch/patch_code.h"

#include <string.h>

enum { TABLE_ENTRIES_MAX = 1 << 16 };

struct sweep {
	struct patch_code *code;
	ARRAY(uint64_t) tables;  /* addresses that code takes, where offsets may be */
	ARRAY(uint64_t) numbers; /* that may be addresses */
	bool failed;             /* no memory for them */
};

static void mark_target(struct patch_code *c, uint64_t address)
{
	if (patch_code_has(c, address))
		*patch_code_mark(c, address) |= PATCH_IS_TARGET;
}

/* Where an instruction starts, as far as anybody knows. */
static bool may_start(const struct patch_code *c, uint64_t address)
{
	if (!patch_code_has(c, address))
		return false;
	uint8_t marks = *patch_code_mark(c, address);
	return !(marks & PATCH_IS_KNOWN) || marks & PATCH_IS_BOUNDARY;
}

/* A number that may be an address: it is one if an instruction starts there. */
static void mark_number(struct patch_code *c, uint64_t number)
{
	if (may_start(c, number))
		mark_target(c, number);
}

static void keep_number(struct sweep *s, uint64_t number)
{
	if (patch_code_has(s->code, number) && array_push(&s->numbers, number))
		s->failed = true;
}

/* P1: addresses that an instruction goes to or names. */
static void mark_named(struct sweep *s, const struct insn *in)
{
	if (in->relative_bytes)
		mark_target(s->code, in->target);
	if (in->is_lea && in->relative_bytes && array_push(&s->tables, in->target))
		s->failed = true;
	if (s->code->image.is_fixed) {
		keep_number(s, (uint64_t)in->immediate);
		keep_number(s, (uint64_t)in->displacement);
	}
}

static void mark_all(struct patch_code *c, const struct patch_range *f, uint8_t mark)
{
	for (uint64_t at = f->start; at < f->end && patch_code_has(c, at); at++)
		*patch_code_mark(c, at) |= mark;
}

static bool decode(const struct patch_code *c, const struct patch_range *f, uint64_t at,
		   struct insn *ret)
{
	return insn_decode(patch_code_at(c, at), f->end - at, at, ret);
}

static bool decodes(const struct patch_code *c, const struct patch_range *f)
{
	struct insn in;
	uint64_t at = f->start;
	while (at < f->end && decode(c, f, at, &in))
		at += in.bytes;
	return at == f->end;
}

static void sweep_known(struct sweep *s, const struct patch_range *f)
{
	struct insn in;
	bool takes_own_address = false, jumps_anywhere = false;
	mark_all(s->code, f, PATCH_IS_KNOWN);
	for (uint64_t at = f->start; at < f->end && decode(s->code, f, at, &in); at += in.bytes) {
		*patch_code_mark(s->code, at) |= PATCH_IS_BOUNDARY;
		mark_named(s, &in);
		jumps_anywhere |= in.class == INSN_JUMP_ANY;
		takes_own_address |= in.is_lea && in.relative_bytes && in.target > f->start &&
				     in.target < f->end;
	}
	if (takes_own_address && jumps_anywhere)
		mark_all(s->code, f, PATCH_IS_TARGET);
}

static uint64_t word_at(const uint8_t *data)
{
	uint64_t word;
	memcpy(&word, data, sizeof(word));
	return word;
}

/* It may be data as well. */
static void sweep_unknown(struct sweep *s, const struct patch_range *r)
{
	struct insn in;
	for (uint64_t at = r->start; at < r->end; at++) {
		if (decode(s->code, r, at, &in))
			mark_named(s, &in);
		if (at % 8 == 0 && r->end - at >= 8)
			keep_number(s, word_at(patch_code_at(s->code, at)));
	}
}

/* Nothing but what compilers and assemblers fill with. */
static bool is_padding(const struct patch_code *c, const struct patch_range *r)
{
	struct insn in;
	for (uint64_t at = r->start; at < r->end; at += in.bytes) {
		if (!decode(c, r, at, &in) || !insn_is_padding(&in, patch_code_at(c, at)))
			return false;
	}
	return true;
}

static void sweep_gap(struct sweep *s, uint64_t start, uint64_t end)
{
	struct patch_range gap = {start, end};
	if (is_padding(s->code, &gap))
		mark_all(s->code, &gap, PATCH_IS_PADDING);
	else
		sweep_unknown(s, &gap);
}

static void sweep_code(struct sweep *s)
{
	const struct patch_image *image = &s->code->image;
	uint64_t at = image->text.address;
	for (size_t i = 0; i < image->function_count; i++) {
		const struct patch_range *f = &image->functions[i];
		sweep_gap(s, at, f->start);
		if (decodes(s->code, f))
			sweep_known(s, f);
		else
			sweep_unknown(s, f); /* P2 */
		at = f->end;
	}
	sweep_gap(s, at, image->text.address + image->text.bytes);
}

static void mark_words(struct patch_code *c, const struct patch_bytes *data)
{
	size_t skipped = -data->address & 7;
	for (size_t at = skipped; at + 8 <= data->bytes; at += 8)
		mark_number(c, word_at(data->data + at));
}

/* A table of offsets from itself goes on as long as they lead to instructions. */
static void mark_table(struct patch_code *c, const struct patch_bytes *data, uint64_t table)
{
	for (size_t i = 0; i < TABLE_ENTRIES_MAX; i++) {
		uint64_t at = table - data->address + 4 * i;
		int32_t offset;
		if (at + sizeof(offset) > data->bytes)
			return;
		memcpy(&offset, data->data + at, sizeof(offset));
		uint64_t target = table + (uint64_t)(int64_t)offset;
		if (!may_start(c, target))
			return;
		mark_target(c, target);
	}
}

static void mark_tables(struct sweep *s, const struct patch_bytes *data)
{
	array_each(table, &s->tables) {
		bool in_function = patch_code_has(s->code, *table) &&
				   *patch_code_mark(s->code, *table) & PATCH_IS_KNOWN;
		if (*table - data->address < data->bytes && !in_function)
			mark_table(s->code, data, *table);
	}
}

/* When all boundaries are known. */
static void mark_data(struct sweep *s)
{
	const struct patch_image *image = &s->code->image;
	array_each(number, &s->numbers)
		mark_number(s->code, *number);
	for (size_t i = 0; i < image->target_count; i++)
		mark_target(s->code, image->targets[i]);
	for (size_t i = 0; i < image->sequence_count; i++)
		mark_all(s->code, &image->sequences[i], PATCH_IS_SEQUENCE);
	for (size_t i = 0; i < image->data_count; i++) {
		mark_words(s->code, &image->data[i]);
		mark_tables(s, &image->data[i]);
	}
	mark_tables(s, &image->text);
}

int patch_sweep(struct patch_code *c)
{
	struct sweep s = {.code = c};
	if (c->image.function_count > 0) {
		sweep_code(&s);
		mark_data(&s);
	}
	array_free(&s.tables);
	array_free(&s.numbers);
	return s.failed ? -ENOMEM : 0;
}
