/* SPDX-License-Identifier: MIT */
/* The parameters and locals that can be named at an address. */
#ifndef CAIRN_DWARF_DWARF_VARIABLE_H
#define CAIRN_DWARF_DWARF_VARIABLE_H

#include "dwarf/dwarf_file.h"

struct dwarf_variable {
	const char *name;
	bool is_parameter;
	bool is_lost;       /* the compiler kept nothing of it in this copy of the function */
	Dwarf_Die die;      /* with its place, unless it is lost */
	Dwarf_Die function; /* the one out of line around it; no address outside of functions */
};

struct dwarf_variables {
	ARRAY(struct dwarf_variable) items; /* outermost block first, each in the source's order */
};

/*
 * Those of the function instance `function`, or of the innermost one around the address when it is
 * NULL; nothing when there is none. 0, or -ENOMEM.
 */
int dwarf_variables_read(struct dwarf_file *f, uint64_t address, const Dwarf_Die *function,
			 struct dwarf_variables *ret);
void dwarf_variables_deinit(struct dwarf_variables *v);

/* The one a name means: the innermost, or NULL. */
const struct dwarf_variable *dwarf_variables_find(const struct dwarf_variables *v,
						  const char *name);

#endif
