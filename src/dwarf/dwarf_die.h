/* SPDX-License-Identifier: MIT */
/* What an entry of the debug information says of itself, or through what it is an instance of. */
#ifndef CAIRN_DWARF_DWARF_DIE_H
#define CAIRN_DWARF_DWARF_DIE_H

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How deeply entries may be nested, how many are looked at: hostile references tie knots. */
enum { DWARF_NESTING_MAX = 256, DWARF_ENTRIES_MAX = 1 << 24 };

static inline const char *dwarf_die_string(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	return dwarf_attr_integrate(die, name, &attribute) ? dwarf_formstring(&attribute) : NULL;
}

/* Of the entry itself; false when it does not say. */
static inline bool dwarf_die_number(Dwarf_Die *die, unsigned name, uint64_t *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;
	if (!dwarf_attr(die, name, &attribute) || dwarf_formudata(&attribute, &value))
		return false;
	*ret = value;
	return true;
}

static inline bool dwarf_die_flag(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	bool is_set;
	return dwarf_attr_integrate(die, name, &attribute) &&
	       dwarf_formflag(&attribute, &is_set) == 0 && is_set;
}

static inline bool dwarf_is_function(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

/* Namespaces and types have functions, but no code. */
static inline bool dwarf_holds_scopes(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_class_type ||
	       tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_enumeration_type;
}

static inline bool dwarf_is_scope(int tag)
{
	return dwarf_is_function(tag) || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
	       tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
}

/* The entries below one, in order: `for (ok = dwarf_die_first(p, &c); ok; ok = …next(&c))`. */
static inline bool dwarf_die_first(Dwarf_Die *parent, Dwarf_Die *ret)
{
	return dwarf_child(parent, ret) == 0 && dwarf_dieoffset(ret) > dwarf_dieoffset(parent);
}

/* Offsets only rise, so that every walk ends. */
static inline bool dwarf_die_next(Dwarf_Die *die)
{
	Dwarf_Off here = dwarf_dieoffset(die);
	return dwarf_siblingof(die, die) == 0 && dwarf_dieoffset(die) > here;
}

#endif
