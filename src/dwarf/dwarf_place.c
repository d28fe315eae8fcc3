/* SPDX-License-Identifier: MIT */
#include "dwarf/dwarf_place.h"
#include "dwarf/dwarf_scope.h"

#include <stdlib.h>

struct dwarf_places {
	Dwarf *dwarf;
	struct dwarf_units units;
};

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
	else if (dwarf_units_read(p->dwarf, &p->units))
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
	dwarf_units_deinit(&p->units);
	free(p);
}

/* A mangled name says more than the plain one; one that is not mangled is a private alias in C. */
static const char *function_name(Dwarf_Die *die)
{
	const char *linked = dwarf_die_string(die, DW_AT_linkage_name);
	if (!linked)
		linked = dwarf_die_string(die, DW_AT_MIPS_linkage_name);
	if (linked && linked[0] == '_' && (linked[1] == 'Z' || linked[1] == 'R'))
		return linked;
	const char *plain = dwarf_die_string(die, DW_AT_name);
	return plain ? plain : linked;
}

static const char *unit_directory(Dwarf_Die *unit)
{
	Dwarf_Attribute attribute;
	return dwarf_attr(unit, DW_AT_comp_dir, &attribute) ? dwarf_formstring(&attribute) : NULL;
}

/* Where the inlined function's body was put in place of a call. */
static void set_call_site(struct dwarf_place *place, Dwarf_Die *unit, Dwarf_Die *inlined)
{
	Dwarf_Files *files;
	size_t count;
	uint64_t file = 0, line = 0;
	dwarf_die_number(inlined, DW_AT_call_file, &file);
	dwarf_die_number(inlined, DW_AT_call_line, &line);
	place->line = (unsigned)line;
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
	struct dwarf_unit *unit = dwarf_units_find(&p->units, address);
	struct dwarf_scopes scopes;
	if (!unit || !max)
		return 0;
	dwarf_scopes_find(unit, address, &scopes);
	const char *directory = unit_directory(&unit->die);
	struct dwarf_place place = {.directory = directory};
	set_line(&place, &unit->die, address);
	size_t count = 0;
	while (scopes.depth-- > 0 && count < max) {
		Dwarf_Die *function = &scopes.chain[scopes.depth];
		if (!dwarf_is_function(dwarf_tag(function)))
			continue;
		place.function = function_name(function);
		place.is_inlined =
			scopes.depth > 0 && dwarf_tag(function) == DW_TAG_inlined_subroutine;
		ret[count++] = place;
		place = (struct dwarf_place){.directory = directory};
		set_call_site(&place, &unit->die, function);
	}
	if (!count && place.file)
		ret[count++] = place;
	return count;
}
