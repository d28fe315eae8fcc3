/* SPDX-License-Identifier: MIT */
#include "patch/patch_code.h"

#include <stdlib.h>

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
	if (patch_sweep(c)) {
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
