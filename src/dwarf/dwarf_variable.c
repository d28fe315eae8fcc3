/* SPDX-License-Identifier: MIT */
#include "dwarf/dwarf_variable.h"

#include <string.h>

static bool is_variable(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);
	return (tag == DW_TAG_formal_parameter || tag == DW_TAG_variable) &&
	       !dwarf_die_flag(die, DW_AT_declaration) && dwarf_die_string(die, DW_AT_name);
}

static bool has_since(const struct dwarf_variables *v, size_t first, const char *name)
{
	for (size_t i = first; i < v->items.count; i++) {
		if (!strcmp(v->items.items[i].name, name))
			return true;
	}
	return false;
}

/* The variables of one block, as the compiler left them, or as the source had them. */
static int add_block(struct dwarf_variables *v, Dwarf_Die *block, Dwarf_Die *function, size_t first,
		     bool is_lost)
{
	Dwarf_Die child;
	for (bool more = dwarf_die_first(block, &child); more; more = dwarf_die_next(&child)) {
		if (!is_variable(&child))
			continue;
		struct dwarf_variable variable = {
			.name = dwarf_die_string(&child, DW_AT_name),
			.is_parameter = dwarf_tag(&child) == DW_TAG_formal_parameter,
			.is_lost = is_lost,
			.die = child,
			.function = *function,
		};
		if (is_lost && has_since(v, first, variable.name))
			continue;
		if (array_push(&v->items, variable))
			return -ENOMEM;
	}
	return 0;
}

/* A copy lacks what the compiler dropped; the source's block has everything. */
static int add_scope(struct dwarf_variables *v, Dwarf_Die *scope, Dwarf_Die *function)
{
	Dwarf_Attribute attribute;
	Dwarf_Die origin;
	size_t first = v->items.count;
	if (add_block(v, scope, function, first, false))
		return -ENOMEM;
	if (!dwarf_attr(scope, DW_AT_abstract_origin, &attribute) ||
	    !dwarf_formref_die(&attribute, &origin))
		return 0;
	return add_block(v, &origin, function, first, true);
}

/* The instance's place in the chain; the chain's depth when it is not there. */
static size_t find_function(struct dwarf_scopes *s, const Dwarf_Die *function)
{
	for (size_t i = s->depth; i-- > 0;) {
		bool is_wanted = function ? s->chain[i].addr == function->addr
					  : dwarf_is_function(dwarf_tag(&s->chain[i]));
		if (is_wanted)
			return i;
	}
	return s->depth;
}

int dwarf_variables_read(struct dwarf_file *f, uint64_t address, const Dwarf_Die *function,
			 struct dwarf_variables *ret)
{
	struct dwarf_unit *unit = dwarf_units_find(&f->units, address);
	struct dwarf_scopes scopes;
	*ret = (struct dwarf_variables){0};
	if (!unit)
		return 0;
	dwarf_scopes_find(unit, address, &scopes);
	size_t first = find_function(&scopes, function), frame = first;
	if (first == scopes.depth)
		return 0;
	while (frame > 0 && dwarf_tag(&scopes.chain[frame]) != DW_TAG_subprogram)
		frame--;
	for (size_t i = first; i < scopes.depth; i++) {
		if (i > first && dwarf_is_function(dwarf_tag(&scopes.chain[i])))
			break;
		if (add_scope(ret, &scopes.chain[i], &scopes.chain[frame])) {
			dwarf_variables_deinit(ret);
			return -ENOMEM;
		}
	}
	return 0;
}

void dwarf_variables_deinit(struct dwarf_variables *v)
{
	array_free(&v->items);
}

const struct dwarf_variable *dwarf_variables_find(const struct dwarf_variables *v, const char *name)
{
	for (size_t i = v->items.count; i-- > 0;) {
		if (!strcmp(v->items.items[i].name, name))
			return &v->items.items[i];
	}
	return NULL;
}
