/* SPDX-License-Identifier: MIT */
#include "patch/patch_code.h"

#include <stdlib.h>
#include <string.h>

enum { TABLE_ENTRIES_MAX = 1 << 16 };

static void mark_target(struct patch_code *c, uint64_t address)
{
	if (patch_code_has(c, address))
		*patch_code_mark(c, address) |= PATCH_IS_TARGET;
}

/* A number that may be an address: it is one if an instruction starts there. */
static void mark_number(struct patch_code *c, uint64_t number)
{
	if (patch_code_has(c, number) && *patch_code_mark(c, number) & PATCH_IS_BOUNDARY)
		mark_target(c, number);
}

static void keep_number(struct patch_code *c, uint64_t number)
{
	if (patch_code_has(c, number) && array_push(&c->numbers, number))
		c->failed = true;
}

/* P1: addresses that an instruction goes to or names. */
static void mark_named(struct patch_code *c, const struct insn *in)
{
	if (in->relative_bytes)
		mark_target(c, in->target);
	if (in->is_lea && in->relative_bytes && !patch_code_has(c, in->target) &&
	    array_push(&c->tables, in->target))
		c->failed = true;
	if (c->image.is_fixed) {
		keep_number(c, (uint64_t)in->immediate);
		keep_number(c, (uint64_t)in->displacement);
	}
}

static void mark_all(struct patch_code *c, const struct patch_range *f, uint8_t mark, bool on)
{
	for (uint64_t at = f->start; at < f->end; at++) {
		uint8_t *marks = patch_code_mark(c, at);
		*marks = on ? *marks | mark : *marks & (uint8_t)~mark;
	}
}

static void sweep_function(struct patch_code *c, const struct patch_range *f)
{
	struct insn in;
	bool takes_own_address = false, jumps_anywhere = false;
	mark_all(c, f, PATCH_IS_KNOWN, true);
	for (uint64_t at = f->start; at < f->end; at += in.bytes) {
		if (!insn_decode(patch_code_at(c, at), f->end - at, at, &in)) {
			mark_all(c, f, PATCH_IS_KNOWN, false); /* P2 */
			return;
		}
		*patch_code_mark(c, at) |= PATCH_IS_BOUNDARY;
		mark_named(c, &in);
		jumps_anywhere |= in.class == INSN_JUMP_ANY;
		takes_own_address |= in.is_lea && in.relative_bytes && in.target > f->start &&
				     in.target < f->end;
	}
	if (takes_own_address && jumps_anywhere)
		mark_all(c, f, PATCH_IS_TARGET, true);
}

static void mark_words(struct patch_code *c, const struct patch_bytes *data)
{
	size_t skipped = -data->address & 7;
	for (size_t at = skipped; at + 8 <= data->bytes; at += 8) {
		uint64_t word;
		memcpy(&word, data->data + at, sizeof(word));
		mark_number(c, word);
	}
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
		if (!patch_code_has(c, target) ||
		    !(*patch_code_mark(c, target) & PATCH_IS_BOUNDARY))
			return;
		mark_target(c, target);
	}
}

/* When all boundaries are known. */
static void mark_data(struct patch_code *c)
{
	array_each(number, &c->numbers)
		mark_number(c, *number);
	for (size_t i = 0; i < c->image.data_count; i++) {
		const struct patch_bytes *data = &c->image.data[i];
		mark_words(c, data);
		array_each(table, &c->tables) {
			if (*table - data->address < data->bytes)
				mark_table(c, data, *table);
		}
	}
}

static bool functions_ok(const struct patch_image *image)
{
	uint64_t at = image->text.address;
	for (size_t i = 0; i < image->function_count; i++) {
		const struct patch_range *f = &image->functions[i];
		if (f->start < at || f->end < f->start ||
		    f->end > image->text.address + image->text.bytes)
			return false;
		at = f->end;
	}
	return true;
}

int patch_code_create(const struct patch_image *image, struct patch_code **ret, struct err *e)
{
	if (!functions_ok(image))
		return err_set(e, EINVAL, "functions overlap, or leave the code they belong to");
	struct patch_code *c = calloc(1, sizeof(*c));
	uint8_t *marks = calloc(1, image->text.bytes + 1);
	if (!c || !marks) {
		free(c);
		free(marks);
		return err_set(e, ENOMEM, "no memory to read %zu bytes of code", image->text.bytes);
	}
	*c = (struct patch_code){.image = *image, .marks = marks};
	for (size_t i = 0; i < image->function_count; i++)
		sweep_function(c, &image->functions[i]);
	mark_data(c);
	array_free(&c->tables);
	array_free(&c->numbers);
	if (c->failed) {
		patch_code_destroy(c);
		return err_set(e, ENOMEM, "no memory for tables of branches");
	}
	*ret = c;
	return 0;
}

void patch_code_destroy(struct patch_code *c)
{
	if (!c)
		return;
	free(c->marks);
	array_free(&c->tables);
	array_free(&c->numbers);
	free(c);
}

const struct patch_range *patch_code_function(const struct patch_code *c, uint64_t address)
{
	size_t low = 0, high = c->image.function_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct patch_range *f = &c->image.functions[middle];
		if (address < f->start)
			high = middle;
		else if (address >= f->end)
			low = middle + 1;
		else
			return f;
	}
	return NULL;
}

bool patch_code_next(const struct patch_code *c, uint64_t *address)
{
	const struct patch_range *f = patch_code_function(c, *address);
	for (uint64_t at = *address; f && at < f->end; at++) {
		if (*patch_code_mark(c, at) & PATCH_IS_BOUNDARY) {
			*address = at;
			return true;
		}
	}
	return false;
}

uint64_t patch_code_entry(const struct patch_code *c, uint64_t function)
{
	const struct patch_range *f = patch_code_function(c, function);
	struct insn in;
	if (f && insn_decode(patch_code_at(c, function), f->end - function, function, &in) &&
	    in.class == INSN_LANDING)
		return function + in.bytes;
	return function;
}
