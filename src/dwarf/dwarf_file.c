/* SPDX-License-Identifier: MIT */
#include "dwarf/dwarf_file.h"

#include <stdlib.h>
#include <string.h>

static bool is_complete_structure(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);
	return (tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
		tag == DW_TAG_class_type) &&
	       !dwarf_die_flag(die, DW_AT_declaration);
}

static const char *linkage_name(Dwarf_Die *die)
{
	const char *linked = dwarf_die_string(die, DW_AT_linkage_name);
	return linked ? linked : dwarf_die_string(die, DW_AT_MIPS_linkage_name);
}

/* Where an instance begins: said, or the start of its first range. False of a declaration. */
static bool find_entry(Dwarf_Die *die, uint64_t *ret)
{
	Dwarf_Addr base, low, high;
	if (dwarf_entrypc(die, ret) == 0)
		return true;
	if (dwarf_ranges(die, 0, &base, &low, &high) <= 0)
		return false;
	*ret = low;
	return true;
}

static int add_function(struct dwarf_file *f, Dwarf_Die *die)
{
	uint64_t entry;
	const char *name = dwarf_die_string(die, DW_AT_name);
	if (!name || !find_entry(die, &entry))
		return 0;
	struct dwarf_function function = {
		.name = name,
		.linkage = linkage_name(die),
		.entry = entry,
		.is_inlined = dwarf_tag(die) == DW_TAG_inlined_subroutine,
		.die = *die,
	};
	return array_push(&f->functions, function);
}

static int add_global(struct dwarf_file *f, Dwarf_Die *die)
{
	const char *name = dwarf_die_string(die, DW_AT_name);
	struct dwarf_global global = {name, *die};
	bool has_value =
		dwarf_hasattr(die, DW_AT_location) || dwarf_hasattr(die, DW_AT_const_value);
	return name && has_value ? array_push(&f->globals, global) : 0;
}

struct index_walk {
	struct dwarf_file *file;
	uint32_t budget; /* entries left to look at */
	int code;
};

/* Everything that can have functions in it. Variables count outside of functions only. */
static void walk_unit(struct index_walk *w, Dwarf_Die *parent, bool is_inside, size_t nesting)
{
	Dwarf_Die child;
	if (nesting == DWARF_NESTING_MAX || !dwarf_die_first(parent, &child))
		return;
	do {
		int tag = dwarf_tag(&child);
		if (dwarf_is_function(tag))
			w->code = add_function(w->file, &child);
		else if (tag == DW_TAG_variable && !is_inside)
			w->code = add_global(w->file, &child);
		if (w->code)
			return;
		if (dwarf_is_scope(tag) || dwarf_holds_scopes(tag))
			walk_unit(w, &child, is_inside || dwarf_is_function(tag), nesting + 1);
	} while (!w->code && w->budget-- && dwarf_die_next(&child));
}

static int global_order(const void *left, const void *right)
{
	const struct dwarf_global *a = left, *b = right;
	return strcmp(a->name, b->name);
}

static int read_index(struct dwarf_file *f)
{
	struct index_walk walk = {f, DWARF_ENTRIES_MAX, 0};
	Dwarf_CU *unit = NULL;
	uint8_t type;
	Dwarf_Die die, split;
	while (!walk.code &&
	       dwarf_get_units(f->dwarf, unit, &unit, NULL, &type, &die, &split) == 0) {
		bool is_skeleton = type == DW_UT_skeleton && split.addr;
		if (type == DW_UT_compile || type == DW_UT_skeleton)
			walk_unit(&walk, is_skeleton ? &split : &die, false, 0);
	}
	if (f->globals.count)
		qsort(f->globals.items, f->globals.count, sizeof(*f->globals.items), global_order);
	return walk.code;
}

int dwarf_file_open(struct elf_file *code, struct elf_file *debug, struct dwarf_file **ret,
		    struct err *e)
{
	struct dwarf_file *f = calloc(1, sizeof(*f));
	if (!f)
		return err_set(e, ENOMEM, "%s: no memory", elf_file_path(code));
	f->code = code;
	f->dwarf = dwarf_begin_elf(elf_file_handle(debug), DWARF_C_READ, NULL);
	int status = 0;
	if (!f->dwarf)
		status = err_set(e, EBADMSG, "%s: its debug information is unreadable: %s",
				 elf_file_path(debug), dwarf_errmsg(-1));
	else if (dwarf_units_read(f->dwarf, &f->units) || read_index(f))
		status = err_set(e, ENOMEM, "%s: no memory", elf_file_path(debug));
	if (status) {
		dwarf_file_close(f);
		return status;
	}
	f->frames = dwarf_getcfi_elf(elf_file_handle(code));
	f->debug_frames = dwarf_getcfi(f->dwarf);
	*ret = f;
	return 0;
}

void dwarf_file_close(struct dwarf_file *f)
{
	if (!f)
		return;
	dwarf_cfi_end(f->frames);
	dwarf_end(f->dwarf);
	dwarf_units_deinit(&f->units);
	array_free(&f->functions);
	array_free(&f->globals);
	array_free(&f->structures);
	free(f);
}

int dwarf_function_next(const struct dwarf_function *f, ptrdiff_t *at, uint64_t *start_ret,
			uint64_t *end_ret)
{
	Dwarf_Addr base, start, end;
	Dwarf_Die die = f->die;
	while ((*at = dwarf_ranges(&die, *at, &base, &start, &end)) > 0) {
		if (start >= end)
			continue;
		*start_ret = start;
		*end_ret = end;
		return 1;
	}
	return 0;
}

/* The first of a name in a sorted table; `count` when there is none. */
static size_t first_named(const struct dwarf_global *table, size_t count, const char *name)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(table[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && !strcmp(table[low].name, name) ? low : count;
}

bool dwarf_file_global(struct dwarf_file *f, const char *name, Dwarf_Die *unit, Dwarf_Die *ret)
{
	size_t first = first_named(f->globals.items, f->globals.count, name), found = first;
	if (first == f->globals.count)
		return false;
	for (size_t i = first; i < f->globals.count && !strcmp(f->globals.items[i].name, name);
	     i++) {
		if (unit && f->globals.items[i].die.cu == unit->cu)
			found = i;
	}
	*ret = f->globals.items[found].die;
	return true;
}

static void read_structures(struct dwarf_file *f)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die, child;
	f->structures_read = true;
	while (dwarf_get_units(f->dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0) {
		bool more = dwarf_die_first(&die, &child);
		for (; more; more = dwarf_die_next(&child)) {
			if (!is_complete_structure(&child))
				continue;
			struct dwarf_global structure = {dwarf_die_string(&child, DW_AT_name),
							 child};
			if (structure.name && array_push(&f->structures, structure))
				break;
		}
	}
	if (f->structures.count)
		qsort(f->structures.items, f->structures.count, sizeof(*f->structures.items),
		      global_order);
}

bool dwarf_file_structure(struct dwarf_file *f, const char *name, Dwarf_Die *ret)
{
	if (!f->structures_read)
		read_structures(f);
	size_t first = first_named(f->structures.items, f->structures.count, name);
	if (first == f->structures.count)
		return false;
	*ret = f->structures.items[first].die;
	return true;
}
