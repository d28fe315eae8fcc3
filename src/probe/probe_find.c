/* SPDX-License-Identifier: MIT */
/* Names, arguments and results at a place, as operands. */
#include "dwarf/dwarf_line.h"
#include "probe/probe_operand.h"
#include "util/cleanup.h"

#include <string.h>

enum { INTEGERS_MAX = 6, REALS_MAX = 8, REGISTER_AX = 0, REGISTER_DX = 1 };

static const uint8_t integer_registers[INTEGERS_MAX] = {5, 4, 1, 2, 8, 9}; /* rdi rsi rdx rcx … */

static bool is_integer(const struct dwarf_type *t)
{
	return t->kind == DWARF_INTEGER || t->kind == DWARF_BOOL || t->kind == DWARF_CHARACTER ||
	       t->kind == DWARF_ENUM || t->kind == DWARF_POINTER;
}

static struct dwarf_location *in_register(struct probe_compiler *c, unsigned number)
{
	struct dwarf_location *l = arena_alloc(c->to->arena, sizeof(*l));
	if (!l)
		return NULL;
	l->piece_count = 1;
	l->pieces[0] = (struct dwarf_piece){.where = DWARF_IN_REGISTER, .number = number};
	return l;
}

/*
 * The register that a caller passes a parameter in. NULL when the parameters before it, or a
 * result that is returned in memory, make that uncertain.
 */
static struct dwarf_location *passed_in(struct probe_compiler *c, const struct dwarf_variable *v)
{
	struct dwarf_type type;
	Dwarf_Die function = v->function;
	unsigned integers = 0, reals = 0;
	dwarf_type_of(c->file->dwarf, &function, &type);
	if (type.kind == DWARF_STRUCT || type.kind == DWARF_OTHER)
		return NULL;
	array_each(parameter, &c->variables.items) {
		if (!parameter->is_parameter)
			continue;
		dwarf_type_of(c->file->dwarf, &parameter->die, &type);
		bool is_real = type.kind == DWARF_REAL;
		if (parameter->is_lost || (!is_real && !is_integer(&type)))
			return NULL;
		if (is_real ? reals == REALS_MAX : integers == INTEGERS_MAX)
			return NULL;
		unsigned number = is_real ? PROG_REG_XMM + reals++ : integer_registers[integers++];
		if (parameter == v)
			return in_register(c, number);
	}
	return NULL;
}

/*
 * A parameter whose place is said once for the whole function is stored there by its first
 * instructions: before that it is where the caller put it.
 */
static bool is_stored(struct probe_compiler *c, const struct dwarf_variable *v)
{
	Dwarf_Die function = v->function;
	Dwarf_Addr entry;
	if (!v->is_parameter || !function.addr || dwarf_lowpc(&function, &entry))
		return true;
	uint64_t at = c->place->address;
	return at < entry || at >= dwarf_statement_after(c->file->dwarf, entry);
}

static int locate(struct probe_compiler *c, const struct dwarf_variable *v,
		  struct probe_operand *ret)
{
	struct dwarf_location *l = arena_alloc(c->to->arena, sizeof(*l));
	Dwarf_Die die = v->die;
	if (!l)
		return err_set(c->e, ENOMEM, "no memory for a probe");
	dwarf_location_find(c->file->dwarf, v, c->place->address, l);
	*ret = (struct probe_operand){.form = PROBE_FORM_PLACE, .location = l};
	dwarf_type_of(c->file->dwarf, &die, &ret->type);
	if (l->is_everywhere && l->is_own && !is_stored(c, v)) {
		ret->location = c->place->is_start ? passed_in(c, v) : NULL;
		if (!ret->location)
			probe_operand_miss(ret, "not stored yet");
	} else if (l->pieces[0].where == DWARF_NOWHERE) {
		probe_operand_miss(ret, l->why ? l->why : "optimised out");
	}
	return 0;
}

static int no_such_name(struct probe_compiler *c, const char *name)
{
	CLEANUP_TEXT struct text names = {0}, place = {0};
	probe_place_print(c->place, &place);
	if (!c->file->dwarf)
		return PROBE_VALUE_FAIL(c,
					"%s is not known without debug information; $arg1 to "
					"$arg6, $ret and registers are (%s)",
					name, c->file->problem.text);
	array_each(v, &c->variables.items)
		text_print(&names, "%s%s", names.bytes ? ", " : "", v->name);
	return PROBE_VALUE_FAIL(c, "nothing is called %s at %s; there is %s", name, place.data,
				names.data ? names.data : "no variable at all");
}

int probe_operand_find(struct probe_compiler *c, const char *name, struct probe_operand *ret)
{
	const struct dwarf_variable *v = dwarf_variables_find(&c->variables, name);
	struct dwarf_variable global = {.name = name};
	struct dwarf_unit *unit =
		c->file->dwarf ? dwarf_units_find(&c->file->dwarf->units, c->place->address) : NULL;
	const char *colon = strrchr(name, ':');
	if (v)
		return locate(c, v, ret);
	if (c->file->dwarf && dwarf_file_global(c->file->dwarf, colon ? colon + 1 : name,
						unit ? &unit->split : NULL, &global.die))
		return locate(c, &global, ret);
	return no_such_name(c, name);
}

void probe_operand_argument(struct probe_compiler *c, unsigned number, struct probe_operand *ret)
{
	uint16_t value = probe_code_register(&c->to->code, integer_registers[number - 1]);
	probe_operand_number(ret, value, 8, false);
	ret->type.kind = DWARF_POINTER;
	if (!c->place->is_start)
		probe_operand_miss(ret, "arguments are in their registers at the function's "
					"entry only");
}

static bool has_real_member(struct probe_compiler *c, const struct dwarf_type *t, unsigned depth)
{
	struct dwarf_member_cursor cursor = {.has_begun = false};
	struct dwarf_member m;
	const char *name;
	while (dwarf_type_member_next(c->file->dwarf, t, &cursor, &name, &m)) {
		if (m.type.kind == DWARF_REAL || m.type.kind == DWARF_OTHER ||
		    m.type.kind == DWARF_ARRAY || depth == 8 ||
		    (m.type.kind == DWARF_STRUCT && has_real_member(c, &m.type, depth + 1)))
			return true;
	}
	return false;
}

/* A structure of up to 16 bytes comes back in rax and rdx, a larger one where rax points to. */
static void return_structure(struct probe_compiler *c, struct probe_operand *ret)
{
	uint64_t convention = 0;
	Dwarf_Die type = ret->type.die;
	dwarf_die_number(&type, DW_AT_calling_convention, &convention);
	if (ret->type.bytes > 16 || convention == DW_CC_pass_by_reference) {
		ret->form = PROBE_FORM_MEMORY;
		ret->value = probe_code_register(&c->to->code, REGISTER_AX);
		return;
	}
	struct dwarf_location *l = in_register(c, REGISTER_AX);
	if (!l || has_real_member(c, &ret->type, 0)) {
		probe_operand_miss(ret, "how it is returned is not understood");
		return;
	}
	if (ret->type.bytes > 8) {
		l->pieces[0].bytes = 8;
		l->pieces[l->piece_count++] =
			(struct dwarf_piece){.where = DWARF_IN_REGISTER, .number = REGISTER_DX};
	}
	ret->location = l;
}

int probe_operand_result(struct probe_compiler *c, struct probe_operand *ret)
{
	Dwarf_Die function = c->place->scope;
	if (c->place->kind != PROBE_RETURN)
		return PROBE_VALUE_FAIL(c, "$ret is known at FUNC%%return only");
	probe_operand_number(ret, 0, 8, false);
	ret->type.kind = DWARF_POINTER;
	if (function.addr)
		dwarf_type_of(c->file->dwarf, &function, &ret->type);
	if (ret->type.kind == DWARF_VOID)
		return PROBE_VALUE_FAIL(c, "%s returns nothing", c->place->function);
	ret->form = PROBE_FORM_PLACE;
	if (c->place->is_jump)
		probe_operand_miss(ret, "another function goes on here, and returns instead");
	else if (ret->type.kind == DWARF_STRUCT)
		return_structure(c, ret);
	else if (ret->type.kind == DWARF_REAL)
		ret->location = in_register(c, PROG_REG_XMM);
	else if (is_integer(&ret->type))
		ret->location = in_register(c, REGISTER_AX);
	else
		probe_operand_miss(ret, "how it is returned is not understood");
	if (ret->form == PROBE_FORM_PLACE && !ret->location)
		return err_set(c->e, ENOMEM, "no memory for a probe");
	return 0;
}
