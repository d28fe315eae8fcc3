/* SPDX-License-Identifier: MIT */
/* The functions and blocks around an address. */
#ifndef CAIRN_DWARF_DWARF_SCOPE_H
#define CAIRN_DWARF_DWARF_SCOPE_H

#include "dwarf/dwarf_die.h"
#include "util/array.h"

/* A range of code of one compilation unit. */
struct dwarf_unit {
	uint64_t low, high;
	Dwarf_Die die;
	Dwarf_Die split; /* where the functions are: of a skeleton unit its other half */
};

struct dwarf_units {
	ARRAY(struct dwarf_unit) ranges; /* by `low` */
};

struct dwarf_scopes {
	Dwarf_Die chain[DWARF_NESTING_MAX + 1]; /* outermost first */
	size_t depth;
};

/* 0, or -ENOMEM. */
int dwarf_units_read(Dwarf *dwarf, struct dwarf_units *ret);
void dwarf_units_deinit(struct dwarf_units *u);
struct dwarf_unit *dwarf_units_find(const struct dwarf_units *u, uint64_t address);

void dwarf_scopes_find(struct dwarf_unit *unit, uint64_t address, struct dwarf_scopes *ret);

#endif
