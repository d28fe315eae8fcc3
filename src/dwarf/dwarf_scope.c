/* SPDX-License-Identifier: MIT */
#include "dwarf/dwarf_scope.h"

#include <errno.h>
#include <stdlib.h>

static int range_order(const void *left, const void *right)
{
	const struct dwarf_unit *a = left, *b = right;
	return a->low < b->low ? -1 : a->low > b->low;
}

static int add_unit(struct dwarf_units *u, Dwarf_Die *die, Dwarf_Die *split)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;
	while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
		struct dwarf_unit range = {low, high, *die, *split};
		if (low < high && array_push(&u->ranges, range))
			return -ENOMEM;
	}
	return 0;
}

/* DW_AT_ranges decides: clang leaves .debug_aranges out. */
int dwarf_units_read(Dwarf *dwarf, struct dwarf_units *ret)
{
	Dwarf_CU *unit = NULL;
	uint8_t type;
	Dwarf_Die die, split;
	while (dwarf_get_units(dwarf, unit, &unit, NULL, &type, &die, &split) == 0) {
		bool is_skeleton = type == DW_UT_skeleton && split.addr;
		if (type != DW_UT_compile && type != DW_UT_skeleton)
			continue;
		if (add_unit(ret, &die, is_skeleton ? &split : &die))
			return -ENOMEM;
	}
	if (ret->ranges.count)
		qsort(ret->ranges.items, ret->ranges.count, sizeof(*ret->ranges.items),
		      range_order);
	return 0;
}

void dwarf_units_deinit(struct dwarf_units *u)
{
	array_free(&u->ranges);
}

struct dwarf_unit *dwarf_units_find(const struct dwarf_units *u, uint64_t address)
{
	size_t low = array_count_to(&u->ranges, low, address);
	return low && address < u->ranges.items[low - 1].high ? &u->ranges.items[low - 1] : NULL;
}

struct scope_walk {
	uint64_t address;
	struct dwarf_scopes *to;
	uint32_t budget; /* entries left to look at */
};

/* Into what contains the address, and into what has functions but no code. */
static void walk_scopes(struct scope_walk *w, Dwarf_Die *parent, size_t nesting)
{
	Dwarf_Die child;
	if (nesting == DWARF_NESTING_MAX || !dwarf_die_first(parent, &child))
		return;
	do {
		int tag = dwarf_tag(&child);
		bool is_around = dwarf_is_scope(tag) && dwarf_haspc(&child, w->address) > 0;
		size_t depth = w->to->depth;
		if (is_around)
			w->to->chain[w->to->depth++] = child;
		if (is_around || dwarf_holds_scopes(tag))
			walk_scopes(w, &child, nesting + 1);
		if (is_around || w->to->depth > depth)
			return;
	} while (w->budget-- && dwarf_die_next(&child));
}

void dwarf_scopes_find(struct dwarf_unit *unit, uint64_t address, struct dwarf_scopes *ret)
{
	struct scope_walk walk = {address, ret, DWARF_ENTRIES_MAX};
	ret->depth = 0;
	walk_scopes(&walk, &unit->split, 0);
}
