/* SPDX-License-Identifier: MIT */
#include "patch/patch_plan.h"
#include "insn/insn_emit.h"
#include "patch/patch_code.h"

#include <string.h>

enum {
	LOWEST_MAPPED = 1 << 16,
	HEAP_GAP = 1 << 20, /* left free behind an image, for it and its heap to be */
};

/* P2 */
static size_t bytes_left(const struct patch_code *c, const struct patch_range *f, uint64_t address)
{
	uint64_t end = f->end;
	while (patch_code_has(c, end) && *patch_code_mark(c, end) & PATCH_IS_PADDING)
		end++;
	return end - address;
}

/* P1 */
static bool branch_inside(const struct patch_code *c, uint64_t address, size_t bytes)
{
	for (size_t i = 1; i < bytes; i++) {
		if (*patch_code_mark(c, address + i) & PATCH_IS_TARGET)
			return true;
	}
	return false;
}

static bool in_sequence(const struct patch_code *c, uint64_t address, size_t bytes)
{
	for (size_t i = 0; i < bytes && patch_code_has(c, address + i); i++) {
		if (*patch_code_mark(c, address + i) & PATCH_IS_SEQUENCE)
			return true;
	}
	return false;
}

static enum patch_reason plan_jump(const struct patch_code *c, uint64_t address, size_t left,
				   struct insn_run *ret)
{
	if (insn_run_find(patch_code_at(c, address), left, address, INSN_JUMP_BYTES, ret))
		return PATCH_NOT_MOVABLE;
	if (in_sequence(c, address, ret->bytes))
		return PATCH_IN_SEQUENCE;
	return branch_inside(c, address, INSN_JUMP_BYTES) ? PATCH_BRANCH_INSIDE : PATCH_POSSIBLE;
}

/* P3: where a jump leads whose distance begins with `free` bytes of our choice. */
static bool window_find(const struct patch_code *c, uint64_t address, size_t free,
			struct patch_range *ret)
{
	uint64_t after = address + INSN_JUMP_BYTES;
	if (after > c->image.text.address + c->image.text.bytes)
		return false;
	int32_t distance;
	memcpy(&distance, patch_code_at(c, address + 1), sizeof(distance));
	uint64_t choices = UINT64_C(1) << (8 * free);
	uint64_t lowest = (uint64_t)(int64_t)distance & ~(choices - 1);
	*ret = (struct patch_range){after + lowest, after + lowest + choices};
	uint64_t image_end = c->image.text.address + c->image.text.bytes;
	for (size_t i = 0; i < c->image.data_count; i++) {
		const struct patch_bytes *data = &c->image.data[i];
		if (data->address + data->bytes > image_end)
			image_end = data->address + data->bytes;
	}
	/* Below an image that can be loaded anywhere there is room; below a fixed one only zero. */
	if ((int64_t)ret->start < LOWEST_MAPPED && c->image.is_fixed)
		return (int64_t)ret->end > LOWEST_MAPPED * 2;
	return (int64_t)ret->start < 0 || ret->end > image_end + HEAP_GAP;
}

static bool plan_punned(const struct patch_code *c, uint64_t address, size_t left,
			struct patch_plan *ret)
{
	for (size_t bytes = INSN_JUMP_BYTES - 1; bytes > 0; bytes--) {
		if (!insn_run_find(patch_code_at(c, address), left, address, bytes, &ret->run) &&
		    ret->run.bytes == bytes && !branch_inside(c, address, bytes) &&
		    !in_sequence(c, address, bytes) &&
		    window_find(c, address, bytes - 1, &ret->window))
			return true;
	}
	return false;
}

void patch_plan_site(const struct patch_code *c, uint64_t address, struct patch_plan *ret)
{
	*ret = (struct patch_plan){.way = PATCH_UPROBE, .reason = PATCH_NO_FUNCTION};
	const struct patch_range *f = patch_code_function(c, address);
	uint8_t marks = f ? *patch_code_mark(c, address) : 0;
	if (!(marks & PATCH_IS_KNOWN))
		return;
	if (!(marks & PATCH_IS_BOUNDARY)) {
		ret->way = PATCH_NOWHERE;
		ret->reason = PATCH_NO_BOUNDARY;
		return;
	}
	if (marks & PATCH_IS_SEQUENCE) {
		ret->way = PATCH_NOWHERE;
		ret->reason = PATCH_IN_SEQUENCE;
		return;
	}
	size_t left = bytes_left(c, f, address);
	ret->reason = plan_jump(c, address, left, &ret->run);
	if (ret->reason == PATCH_POSSIBLE)
		ret->way = PATCH_JUMP;
	else if (plan_punned(c, address, left, ret))
		ret->way = PATCH_PUNNED;
	else
		ret->run = (struct insn_run){0};
}

const char *patch_reason_text(enum patch_reason reason)
{
	switch (reason) {
	case PATCH_POSSIBLE:
		return "a jump fits";
	case PATCH_NO_FUNCTION:
		return "no function that decodes is here";
	case PATCH_NO_BOUNDARY:
		return "no instruction starts here";
	case PATCH_BRANCH_INSIDE:
		return "a branch leads into the bytes of a jump";
	case PATCH_CALL_KEPT:
		return "a call here cannot be moved, for the process has a shadow stack";
	case PATCH_NEIGHBOUR:
		return "another probe's jump takes bytes of this place";
	case PATCH_IN_SEQUENCE:
		return "a restartable sequence is here, which must not be interrupted";
	case PATCH_FOREIGN:
		return "the process has changed its code here, or somebody else has";
	default:
		return "an instruction here cannot be moved";
	}
}
