/* SPDX-License-Identifier: MIT */
#include "probe/probe_scan.h"
#include "probe/probe_locate.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

/* Whether it can be had: of a structure, where it is has to be known. */
static const char *find_problem(struct probe_compiler *c, struct probe_operand *o)
{
	bool is_whole = o->type.kind != DWARF_STRUCT && o->type.kind != DWARF_ARRAY;
	uint16_t unused;
	if (o->form == PROBE_FORM_PLACE && !is_whole)
		return probe_locate_load(c, o, 1, false, &unused);
	if (o->form != PROBE_FORM_MISSING && probe_operand_load(c, o))
		return "of a type that is not shown";
	return o->form == PROBE_FORM_MISSING ? o->text : NULL;
}

static int add(struct probe_compiler *c, const struct dwarf_variable *v,
	       struct probe_readables *ret)
{
	CLEANUP_TEXT struct text type = {0};
	struct probe_operand o;
	int code = probe_operand_find(c, v->name, &o);
	if (code)
		return code;
	dwarf_type_print(c->file->dwarf, &o.type, &type);
	struct probe_readable item = {
		.name = v->name,
		.type = type.data ? arena_copy(ret->arena, type.data, type.bytes) : NULL,
		.is_parameter = v->is_parameter,
		.described = o.type,
	};
	item.problem = find_problem(c, &o);
	if (!item.type || array_push(&ret->items, item))
		return err_set(c->e, ENOMEM, "no memory for a list");
	return 0;
}

static int scan_kind(struct probe_compiler *c, bool parameters, struct probe_readables *ret)
{
	int code = 0;
	array_each(v, &c->variables.items) {
		bool is_shadowed = dwarf_variables_find(&c->variables, v->name) != v;
		if (v->is_parameter != parameters || is_shadowed || code)
			continue;
		c->to->code.count = 0;
		code = add(c, v, ret);
	}
	return code;
}

int probe_scan(struct probe_file *f, const struct probe_place *place, struct probe_readables *ret,
	       struct err *e)
{
	static const struct probe_spec nothing = {.text = "", .nodes = {{.column = 1}}};
	CLEANUP(free) struct probe_program *scratch = calloc(1, sizeof(*scratch));
	*ret = (struct probe_readables){.arena = arena_create()};
	if (!scratch || !ret->arena) {
		probe_readables_deinit(ret);
		return err_set(e, ENOMEM, "no memory for a list");
	}
	scratch->arena = ret->arena;
	struct probe_compiler c = {.file = f,
				   .place = place,
				   .spec = &nothing,
				   .to = scratch,
				   .node = nothing.nodes,
				   .e = e};
	int code = 0;
	if (f->dwarf &&
	    dwarf_variables_read(f->dwarf, place->address, place->scope.addr ? &place->scope : NULL,
				 &c.variables))
		code = err_set(e, ENOMEM, "no memory for a list");
	if (!code)
		code = scan_kind(&c, true, ret);
	if (!code)
		code = scan_kind(&c, false, ret);
	dwarf_variables_deinit(&c.variables);
	if (code)
		probe_readables_deinit(ret);
	return code;
}

void probe_readables_deinit(struct probe_readables *r)
{
	array_free(&r->items);
	arena_destroy(r->arena);
	r->arena = NULL;
}
