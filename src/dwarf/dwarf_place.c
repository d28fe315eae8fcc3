/* SPDX-License-Identifier: MIT */
#include "dwarf/dwarf_place.h"
#include "util/array.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <string.h>

enum { PLACE_NESTING_MAX = 256, PLACE_ENTRIES_MAX = 1 << 24 };

/* The compilation unit of a range of code. DW_AT_ranges decides: clang leaves .debug_aranges out.
 */
struct unit_range {
	uint64_t low, high;
	Dwarf_Die unit;
	Dwarf_Die split; /* where the functions are: of a skeleton unit its other half */
};

struct dwarf_places {
	Dwarf *dwarf;
	ARRAY(struct unit_range) ranges; /* by `low` */
};

static int range_order(const void *left, const void *right)
{
	const struct unit_range *a = left, *b = right;
	return a->low < b->low ? -1 : a->low > b->low;
}

static int add_unit(struct dwarf_places *p, Dwarf_Die *unit, Dwarf_Die *split)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;
	while ((at = dwarf_ranges(unit, at, &base, &low, &high)) > 0) {
		struct unit_range range = {low, high, *unit, *split};
		if (low < high && array_push(&p->ranges, range))
			return -ENOMEM;
	}
	return 0;
}

static int index_units(struct dwarf_places *p)
{
	Dwarf_CU *unit = NULL;
	uint8_t type;
	Dwarf_Die die, split;
	while (dwarf_get_units(p->dwarf, unit, &unit, NULL, &type, &die, &split) == 0) {
		bool is_skeleton = type == DW_UT_skeleton && split.addr;
		if (type != DW_UT_compile && type != DW_UT_skeleton)
			continue;
		if (add_unit(p, &die, is_skeleton ? &split : &die))
			return -ENOMEM;
	}
	if (p->ranges.count)
		qsort(p->ranges.items, p->ranges.count, sizeof(*p->ranges.items), range_order);
	return 0;
}

int dwarf_places_open(struct elf_file *f, struct dwarf_places **ret, struct err *e)
{
	struct dwarf_places *p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(e, ENOMEM, "%s: no memory", elf_file_path(f));
	p->dwarf = dwarf_begin_elf(elf_file_handle(f), DWARF_C_READ, NULL);
	int code = 0;
	if (!p->dwarf)
		code = err_set(e, EBADMSG, "%s: its debug information is unreadable: %s",
			       elf_file_path(f), dwarf_errmsg(-1));
	else if (index_units(p))
		code = err_set(e, ENOMEM, "%s: no memory", elf_file_path(f));
	if (code)
		dwarf_places_close(p);
	else
		*ret = p;
	return code;
}

void dwarf_places_close(struct dwarf_places *p)
{
	if (!p)
		return;
	dwarf_end(p->dwarf);
	array_free(&p->ranges);
	free(p);
}

static struct unit_range *unit_at(struct dwarf_places *p, uint64_t address)
{
	size_t low = 0, high = p->ranges.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (p->ranges.items[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < p->ranges.items[low - 1].high ? &p->ranges.items[low - 1] : NULL;
}

static bool holds_scopes(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_class_type ||
	       tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_enumeration_type;
}

static bool is_function(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

static bool is_scope(int tag)
{
	return is_function(tag) || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
	       tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
}

/* A walk down to an address. Hostile references may tie knots: entries only count up, and end. */
struct scope_walk {
	uint64_t address;
	Dwarf_Die chain[PLACE_NESTING_MAX + 1]; /* the functions around it, outermost first */
	size_t depth;
	uint32_t budget; /* entries left to look at */
};

/* Into what contains the address, and into namespaces and types: those have functions, not code. */
static void walk_scopes(struct scope_walk *w, Dwarf_Die *parent, size_t nesting)
{
	Dwarf_Die child;
	Dwarf_Off last = dwarf_dieoffset(parent);
	if (nesting == PLACE_NESTING_MAX || dwarf_child(parent, &child) != 0)
		return;
	for (; dwarf_dieoffset(&child) > last && w->budget; w->budget--) {
		int tag = dwarf_tag(&child);
		bool is_around = is_scope(tag) && dwarf_haspc(&child, w->address) > 0;
		size_t depth = w->depth;
		if (is_around && is_function(tag))
			w->chain[w->depth++] = child;
		if (is_around || holds_scopes(tag))
			walk_scopes(w, &child, nesting + 1);
		last = dwarf_dieoffset(&child);
		if (is_around || w->depth > depth || dwarf_siblingof(&child, &child) != 0)
			return;
	}
}

static const char *die_string(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	return dwarf_attr_integrate(die, name, &attribute) ? dwarf_formstring(&attribute) : NULL;
}

/* A mangled name says more than the plain one; one that is not mangled is a private alias in C. */
static const char *function_name(Dwarf_Die *die)
{
	const char *linked = die_string(die, DW_AT_linkage_name);
	if (!linked)
		linked = die_string(die, DW_AT_MIPS_linkage_name);
	if (linked && linked[0] == '_' && (linked[1] == 'Z' || linked[1] == 'R'))
		return linked;
	const char *plain = die_string(die, DW_AT_name);
	return plain ? plain : linked;
}

static const char *unit_directory(Dwarf_Die *unit)
{
	Dwarf_Attribute attribute;
	return dwarf_attr(unit, DW_AT_comp_dir, &attribute) ? dwarf_formstring(&attribute) : NULL;
}

static unsigned die_number(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;
	if (!dwarf_attr(die, name, &attribute) || dwarf_formudata(&attribute, &value))
		return 0;
	return (unsigned)value;
}

/* Where the inlined function's body was put in place of a call. */
static void set_call_site(struct dwarf_place *place, Dwarf_Die *unit, Dwarf_Die *inlined)
{
	Dwarf_Files *files;
	size_t count;
	unsigned file = die_number(inlined, DW_AT_call_file);
	place->line = die_number(inlined, DW_AT_call_line);
	if (dwarf_getsrcfiles(unit, &files, &count) == 0 && file < count)
		place->file = dwarf_filesrc(files, file, NULL, NULL);
}

static void set_line(struct dwarf_place *place, Dwarf_Die *unit, uint64_t address)
{
	int line = 0;
	Dwarf_Line *row = dwarf_getsrc_die(unit, address);
	if (!row)
		return;
	place->file = dwarf_linesrc(row, NULL, NULL);
	if (dwarf_lineno(row, &line) == 0 && line > 0)
		place->line = (unsigned)line;
}

size_t dwarf_places_find(struct dwarf_places *p, uint64_t address, struct dwarf_place *ret,
			 size_t max)
{
	struct unit_range *range = unit_at(p, address);
	if (!range || !max)
		return 0;
	struct scope_walk walk = {.address = address, .budget = PLACE_ENTRIES_MAX};
	walk_scopes(&walk, &range->split, 0);
	const char *directory = unit_directory(&range->unit);
	struct dwarf_place place = {.directory = directory};
	set_line(&place, &range->unit, address);
	size_t count = 0;
	while (walk.depth-- > 0 && count < max) {
		Dwarf_Die *function = &walk.chain[walk.depth];
		place.function = function_name(function);
		place.is_inlined =
			walk.depth > 0 && dwarf_tag(function) == DW_TAG_inlined_subroutine;
		ret[count++] = place;
		place = (struct dwarf_place){.directory = directory};
		set_call_site(&place, &range->unit, function);
	}
	if (!count && place.file)
		ret[count++] = place;
	return count;
}
