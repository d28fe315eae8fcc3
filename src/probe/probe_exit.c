/* SPDX-License-Identifier: MIT */
#include "probe/probe_exit.h"
#include "insn/insn.h"
#include "patch/patch_code.h"

#include <stdio.h>
#include <string.h>

enum { REX_W = 0x48, LOOK_BACK = 4 };

struct walk {
	const struct probe_file *file;
	const struct probe_function *function;
	ARRAY(struct patch_range) ranges;
	ARRAY(struct insn) insns; /* of one range */
	struct probe_exits *to;
};

static const uint8_t *code_of(const struct walk *w, const struct insn *in)
{
	size_t bytes;
	return probe_file_bytes(w->file, in->address, &bytes);
}

/* pop, leave, add to rsp, lea and mov to rsp: what undoes a frame. */
static bool takes_frame_down(const uint8_t *c, size_t bytes)
{
	bool is_pop = (bytes == 1 && (c[0] & 0xf8) == 0x58) ||
		      (bytes == 2 && c[0] == 0x41 && (c[1] & 0xf8) == 0x58);
	bool is_leave = bytes == 1 && c[0] == 0xc9;
	bool is_add = bytes >= 4 && c[0] == REX_W && (c[1] == 0x83 || c[1] == 0x81) && c[2] == 0xc4;
	bool is_lea = bytes >= 4 && c[0] == REX_W && c[1] == 0x8d && (c[2] & 0x38) == 0x20;
	bool is_mov = bytes == 3 && c[0] == REX_W && c[1] == 0x89 && c[2] == 0xec;
	return is_pop || is_leave || is_add || is_lea || is_mov;
}

static bool is_inside(const struct walk *w, uint64_t address)
{
	array_each(range, &w->ranges) {
		if (address >= range->start && address < range->end)
			return true;
	}
	return false;
}

/* add to a 64-bit register: the base of a table of distances is added right before its jump. */
static bool is_add(const uint8_t *c, size_t bytes)
{
	return bytes == 3 && (c[0] & 0xf8) == REX_W && (c[1] == 0x01 || c[1] == 0x03);
}

/* jmp *table(,%reg,8), or a distance out of a table added to its base shortly before jmp *%reg. */
static bool is_switch(const struct walk *w, size_t index)
{
	const struct insn *jump = &w->insns.items[index];
	const uint8_t *c = code_of(w, jump);
	uint8_t modrm = c[jump->modrm_at];
	bool has_index = (modrm & 0xc7) == 0x04 && (c[jump->modrm_at + 1] & 7) == 5;
	if (has_index)
		return true;
	for (size_t i = 1; (modrm & 0xc0) == 0xc0 && i <= LOOK_BACK && i <= index; i++) {
		const struct insn *before = jump - i;
		if (is_add(code_of(w, before), before->bytes))
			return true;
	}
	return false;
}

static bool is_exit(const struct walk *w, size_t index)
{
	const struct insn *in = &w->insns.items[index];
	if (in->class == INSN_JUMP)
		return !is_inside(w, in->target);
	if (in->class == INSN_JUMP_ANY)
		return in->modrm_at && !is_switch(w, index);
	return in->class == INSN_RETURN;
}

/* Back over what takes the frame down, not past an instruction that is jumped to. */
static uint64_t epilogue_of(const struct walk *w, size_t index)
{
	while (index > 0) {
		const struct insn *here = &w->insns.items[index], *before = here - 1;
		bool is_target =
			*patch_code_mark(w->file->image->code, here->address) & PATCH_IS_TARGET;
		if (is_target || !takes_frame_down(code_of(w, before), before->bytes))
			break;
		index--;
	}
	return w->insns.items[index].address;
}

static int walk_range(struct walk *w, const struct patch_range *range)
{
	struct insn in;
	w->insns.count = 0;
	for (uint64_t at = range->start; at < range->end; at += in.bytes) {
		size_t bytes;
		const uint8_t *code = probe_file_bytes(w->file, at, &bytes);
		if (!code || !insn_decode(code, bytes, at, &in))
			break;
		if (array_push(&w->insns, in))
			return -ENOMEM;
	}
	for (size_t i = 0; i < w->insns.count; i++) {
		if (!is_exit(w, i))
			continue;
		struct probe_exit found = {w->insns.items[i].address, epilogue_of(w, i),
					   w->insns.items[i].class != INSN_RETURN};
		if (array_push(&w->to->items, found))
			return -ENOMEM;
	}
	return 0;
}

/* Without debug information the part that is seldom run has a symbol of its own: "f.cold". */
static int add_cold_symbol(struct walk *w)
{
	char cold[256];
	snprintf(cold, sizeof(cold), "%s.cold", w->function->name);
	array_each(other, &w->file->functions) {
		if (!strcmp(other->name, cold) && other->end)
			return array_push(&w->ranges,
					  (struct patch_range){other->start, other->end});
	}
	return 0;
}

static int find_ranges(struct walk *w)
{
	ptrdiff_t at = 0;
	struct patch_range range = {w->function->start, w->function->end};
	if (!w->function->dwarf)
		return array_push(&w->ranges, range) ? -ENOMEM : add_cold_symbol(w);
	while (dwarf_function_next(w->function->dwarf, &at, &range.start, &range.end)) {
		if (array_push(&w->ranges, range))
			return -ENOMEM;
	}
	return 0;
}

int probe_exits_find(const struct probe_file *f, const struct probe_function *function,
		     struct probe_exits *ret, struct err *e)
{
	struct walk w = {.file = f, .function = function, .to = ret};
	*ret = (struct probe_exits){0};
	int code = find_ranges(&w);
	for (size_t i = 0; i < w.ranges.count && !code; i++)
		code = walk_range(&w, &w.ranges.items[i]);
	array_free(&w.ranges);
	array_free(&w.insns);
	if (!code)
		return 0;
	probe_exits_deinit(ret);
	return err_set(e, ENOMEM, "%s: no memory", f->path);
}

void probe_exits_deinit(struct probe_exits *x)
{
	array_free(&x->items);
}
