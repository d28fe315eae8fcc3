/* SPDX-License-Identifier: MIT */
#include "probe/probe_place.h"
#include "dwarf/dwarf_line.h"
#include "probe/probe_exit.h"
#include "symbol/symbol_module.h"
#include "util/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct search {
	struct probe_file *file;
	const struct probe_spec *spec;
	struct probe_places *to;
	struct err *e;
};

static int no_memory(struct search *s)
{
	return err_set(s->e, ENOMEM, "%s: no memory", s->file->path);
}

/* A path as people know it, kept with the file. */
static const char *short_path(struct probe_file *f, const char *path, uint64_t address)
{
	struct dwarf_unit *unit = dwarf_units_find(&f->dwarf->units, address);
	Dwarf_Attribute attribute;
	const char *directory = unit && dwarf_attr(&unit->die, DW_AT_comp_dir, &attribute)
					? dwarf_formstring(&attribute)
					: NULL;
	CLEANUP(free) char *plain = symbol_short_path(path, directory);
	return plain ? arena_copy(f->arena, plain, strlen(plain)) : NULL;
}

/* Of an entry the line where the function is declared: the code there may be of others. */
static void set_line(struct search *s, struct probe_place *place)
{
	struct probe_file *f = s->file;
	const char *path = NULL;
	int declared;
	if (!f->dwarf)
		return;
	if (place->kind == PROBE_ENTRY && place->scope.addr &&
	    !dwarf_decl_line(&place->scope, &declared) && (path = dwarf_decl_file(&place->scope)))
		place->line = (unsigned)declared;
	else if (place->kind == PROBE_LINE)
		path = place->file;
	else if (!dwarf_line_at(f->dwarf, place->address, &path, &place->line))
		return;
	place->file = short_path(f, path, place->address);
}

static int add(struct search *s, struct probe_place place)
{
	array_each(known, &s->to->items) {
		if (known->address == place.address && known->scope.addr == place.scope.addr)
			return 0;
	}
	set_line(s, &place);
	return array_push(&s->to->items, place) ? no_memory(s) : 0;
}

static bool is_meant(const struct probe_spec *spec, const struct probe_function *function)
{
	const char *pattern = spec->function;
	if (!strcmp(pattern, function->name) || !strcmp(pattern, function->last))
		return true;
	bool is_whole = strstr(pattern, "::") != NULL;
	return text_glob(pattern, is_whole ? function->name : function->last);
}

static struct probe_place place_of(struct search *s, const struct probe_function *function)
{
	struct probe_place place = {
		.kind = s->spec->kind,
		.address = function->start,
		.function = function->name,
	};
	if (function->dwarf)
		place.scope = function->dwarf->die;
	const struct probe_function *around =
		function->is_inlined ? probe_file_function(s->file, function->start) : NULL;
	place.around = around ? around->name : NULL;
	return place;
}

static int add_entry(struct search *s, const struct probe_function *function)
{
	struct probe_place place = place_of(s, function);
	place.is_start = !function->is_inlined;
	if (place.is_start)
		place.address = patch_code_entry(s->file->image->code, place.address);
	return add(s, place);
}

static int add_offset(struct search *s, const struct probe_function *function)
{
	struct probe_place place = place_of(s, function);
	uint64_t at = place.address, wanted = place.address + s->spec->offset;
	if (function->is_inlined)
		return 0;
	/* Instructions before and behind it say where it should be. */
	uint64_t before = at;
	while (at < wanted) {
		before = at++;
		if (!patch_code_next(s->file->image->code, &at))
			break;
	}
	if (at != wanted)
		return err_set(s->e, EINVAL,
			       "no instruction of %s begins at +%#" PRIx64 "; one does at "
			       "+%#" PRIx64,
			       function->name, s->spec->offset, before - place.address);
	place.address = wanted;
	place.is_start = wanted == patch_code_entry(s->file->image->code, function->start);
	return add(s, place);
}

/* Of an inlined copy nobody can say where it ends: its code is mixed with its caller's. */
static int add_exits(struct search *s, const struct probe_function *function)
{
	struct probe_exits exits;
	if (function->is_inlined)
		return 0;
	int code = probe_exits_find(s->file, function, &exits, s->e);
	if (code)
		return code;
	array_each(found, &exits.items) {
		struct probe_place place = place_of(s, function);
		bool is_epilogue = s->spec->kind == PROBE_EPILOGUE;
		place.address = is_epilogue ? found->epilogue : found->address;
		place.is_jump = !is_epilogue && found->is_jump;
		if (!code)
			code = add(s, place);
	}
	probe_exits_deinit(&exits);
	return code;
}

/* The instance a line is in, by the entry of the debug information. */
static const struct probe_function *owner_of(const struct probe_file *f, const Dwarf_Die *die)
{
	array_each(function, &f->functions) {
		if (function->dwarf && function->dwarf->die.addr == die->addr)
			return function;
	}
	return NULL;
}

static int add_statement(struct search *s, const struct dwarf_statement *statement)
{
	const struct probe_function *owner = owner_of(s->file, &statement->function);
	const struct probe_function *around = probe_file_function(s->file, statement->address);
	size_t bytes;
	if (!probe_file_bytes(s->file, statement->address, &bytes))
		return 0;
	struct probe_place place = {
		.kind = PROBE_LINE,
		.address = statement->address,
		.function = owner    ? owner->name
			    : around ? around->name
				     : NULL,
		.around = owner && owner->is_inlined && around ? around->name : NULL,
		.file = statement->file,
		.line = statement->line,
		.scope = statement->function,
		.is_start = around && statement->address == around->start,
	};
	return add(s, place);
}

static int no_such_line(struct search *s, const struct dwarf_statements *found)
{
	const struct probe_spec *spec = s->spec;
	if (!found->file_found)
		return err_set(s->e, ENOENT, "%s has no code of a file %s", s->file->path,
			       spec->file);
	if (!found->next_line)
		return err_set(s->e, ENOENT, "%s:%u has no code, nor any line behind it",
			       spec->file, spec->line);
	return err_set(s->e, ENOENT, "%s:%u has no code; the next line that has is %u", spec->file,
		       spec->line, found->next_line);
}

static int find_line(struct search *s)
{
	struct dwarf_statements found;
	if (!s->file->dwarf)
		return err_set(s->e, ENOENT, "lines are not known: %s", s->file->problem.text);
	if (dwarf_statements_find(s->file->dwarf, s->spec->file, s->spec->line, &found))
		return no_memory(s);
	int code = 0;
	array_each(statement, &found.items) {
		if (!code)
			code = add_statement(s, statement);
	}
	if (!code && !s->to->items.count)
		code = no_such_line(s, &found);
	dwarf_statements_deinit(&found);
	return code;
}

static int find_function(struct search *s)
{
	int code = 0;
	size_t inlined = 0;
	array_each(function, &s->file->functions) {
		if (code || !is_meant(s->spec, function))
			continue;
		inlined += function->is_inlined;
		if (s->spec->kind == PROBE_ENTRY)
			code = add_entry(s, function);
		else if (s->spec->kind == PROBE_OFFSET)
			code = add_offset(s, function);
		else
			code = add_exits(s, function);
	}
	if (code || s->to->items.count)
		return code;
	if (inlined)
		return err_set(s->e, ENOENT,
			       "%s is inlined wherever it is called: only its entry and its lines "
			       "can be probed",
			       s->spec->function);
	return err_set(s->e, ENOENT, "%s has no %s", s->file->path,
		       s->spec->kind == PROBE_ENTRY ? s->spec->function : s->spec->place);
}

static int place_order(const void *left, const void *right)
{
	const struct probe_place *a = left, *b = right;
	return a->address < b->address ? -1 : a->address > b->address;
}

int probe_places_find(struct probe_file *f, const struct probe_spec *spec, struct probe_places *ret,
		      struct err *e)
{
	struct search s = {f, spec, ret, e};
	*ret = (struct probe_places){0};
	int code = spec->kind == PROBE_LINE ? find_line(&s) : find_function(&s);
	if (code)
		probe_places_deinit(ret);
	else
		qsort(ret->items.items, ret->items.count, sizeof(*ret->items.items), place_order);
	return code;
}

void probe_places_deinit(struct probe_places *p)
{
	array_free(&p->items);
}

void probe_place_print(const struct probe_place *p, struct text *out)
{
	if (p->kind == PROBE_LINE)
		text_print(out, "%s:%u", p->file ? p->file : "?", p->line);
	else
		text_print(out, "%s%s", p->function,
			   p->kind == PROBE_RETURN     ? "%return"
			   : p->kind == PROBE_EPILOGUE ? "%epilogue"
						       : "");
	if (p->around)
		text_print(out, " (in %s)", p->around);
}
