/* SPDX-License-Identifier: MIT */
#include "probe/probe_locate.h"
#include "util/cleanup.h"

#include <string.h>

void probe_operand_miss(struct probe_operand *o, const char *why)
{
	o->form = PROBE_FORM_MISSING;
	o->text = why;
}

void probe_operand_number(struct probe_operand *o, uint16_t value, unsigned bytes, bool is_signed)
{
	*o = (struct probe_operand){.form = PROBE_FORM_NUMBER, .value = value};
	o->type =
		(struct dwarf_type){.kind = DWARF_INTEGER, .bytes = bytes, .is_signed = is_signed};
}

/* "char", whatever was built of it; other bytes are numbers. */
static bool is_text_character(const struct dwarf_type *t)
{
	Dwarf_Die die = t->die;
	const char *name = t->kind == DWARF_CHARACTER ? dwarf_die_string(&die, DW_AT_name) : NULL;
	return name && !strcmp(name, "char");
}

bool probe_operand_is_text(struct probe_file *f, const struct probe_operand *o)
{
	struct dwarf_type target;
	if (o->is_string || o->form == PROBE_FORM_LITERAL)
		return true;
	if ((o->type.kind != DWARF_POINTER && o->type.kind != DWARF_ARRAY) || !o->type.die.addr)
		return false;
	return dwarf_type_target(f->dwarf, &o->type, &target) && is_text_character(&target);
}

bool probe_operand_memory(struct probe_compiler *c, struct probe_operand *o)
{
	if (o->form == PROBE_FORM_MEMORY)
		return true;
	if (o->form != PROBE_FORM_PLACE || !probe_locate_address(c, o->location, &o->value))
		return false;
	o->form = PROBE_FORM_MEMORY;
	o->is_mapped = o->location->is_mapped;
	return true;
}

static int wrong_type(struct probe_compiler *c, const struct probe_operand *o, const char *advice)
{
	CLEANUP_TEXT struct text type = {0};
	if (o->type.die.addr)
		dwarf_type_print(c->file->dwarf, &o->type, &type);
	return PROBE_VALUE_FAIL(c, "this is a %s; %s", type.data ? type.data : "number of no type",
				advice);
}

static bool is_scalar(const struct dwarf_type *t)
{
	bool has_width = t->bytes == 1 || t->bytes == 2 || t->bytes == 4 || t->bytes == 8;
	return has_width && t->kind != DWARF_STRUCT && t->kind != DWARF_ARRAY &&
	       t->kind != DWARF_OTHER && t->kind != DWARF_VOID;
}

/* Loads so many bytes and keeps so many bits of them. */
static void load_bits(struct probe_compiler *c, struct probe_operand *o)
{
	struct probe_code *code = &c->to->code;
	unsigned bits = o->bits, shift = o->bit_at, bytes = 1;
	const char *why = NULL;
	while (bytes < 8 && bytes * 8 < shift + bits)
		bytes *= 2;
	uint16_t whole = 0;
	if (bytes * 8 < shift + bits)
		why = "its bits reach over more than 8 bytes";
	else if (o->form == PROBE_FORM_PLACE)
		why = probe_locate_load(c, o, bytes, false, &whole);
	else
		whole = probe_code_load(code, o->value, o->offset, bytes, false, o->is_mapped);
	if (why) {
		probe_operand_miss(o, why);
		return;
	}
	uint16_t up = probe_code_const(code, 64 - (int64_t)(shift + bits));
	uint16_t down = probe_code_const(code, 64 - (int64_t)bits);
	o->value = probe_code_pair(code, o->type.is_signed ? PROG_SHR_S : PROG_SHR,
				   probe_code_pair(code, PROG_SHL, whole, up), down);
	o->form = PROBE_FORM_NUMBER;
	o->bits = 0;
}

int probe_operand_load(struct probe_compiler *c, struct probe_operand *o)
{
	unsigned bytes = (unsigned)o->type.bytes;
	const char *why = NULL;
	if (o->form == PROBE_FORM_NUMBER)
		return 0;
	if (o->form == PROBE_FORM_LITERAL)
		return PROBE_VALUE_FAIL(c, "a text stands only beside ==, != and ~");
	if (!is_scalar(&o->type))
		return wrong_type(c, o,
				  o->type.kind == DWARF_STRUCT  ? "name one of its members"
				  : o->type.kind == DWARF_ARRAY ? "name one of its elements"
								: "it cannot be shown");
	if (o->form == PROBE_FORM_MISSING)
		return 0;
	if (o->bits) {
		load_bits(c, o);
		return 0;
	}
	if (o->form == PROBE_FORM_MEMORY)
		o->value = probe_code_load(&c->to->code, o->value, o->offset, bytes,
					   o->type.is_signed, o->is_mapped);
	else
		why = probe_locate_load(c, o, bytes, o->type.is_signed, &o->value);
	o->form = PROBE_FORM_NUMBER;
	o->offset = 0;
	if (why)
		probe_operand_miss(o, why);
	return 0;
}

int probe_operand_deref(struct probe_compiler *c, struct probe_operand *o)
{
	struct dwarf_type target;
	if (!o->type.die.addr || !dwarf_type_target(c->file->dwarf, &o->type, &target))
		return wrong_type(c, o, "it points to nothing that is described");
	if (target.kind == DWARF_VOID)
		return wrong_type(c, o, "what it points to has no type");
	int code = o->type.kind == DWARF_POINTER ? probe_operand_load(c, o) : 0;
	if (code)
		return code;
	if (o->form == PROBE_FORM_NUMBER) {
		o->form = PROBE_FORM_MEMORY;
		o->is_mapped = false;
		o->offset = 0;
	}
	o->is_string = false;
	o->type = target;
	return 0;
}

static int no_such_member(struct probe_compiler *c, const struct probe_operand *o, const char *name)
{
	CLEANUP_TEXT struct text members = {0}, type = {0};
	struct dwarf_member_cursor cursor = {.has_begun = false};
	struct dwarf_member m;
	const char *member;
	while (dwarf_type_member_next(c->file->dwarf, &o->type, &cursor, &member, &m))
		text_print(&members, "%s%s", members.bytes ? ", " : "", *member ? member : "(…)");
	dwarf_type_print(c->file->dwarf, &o->type, &type);
	return PROBE_VALUE_FAIL(c, "%s has no member %s; it has %s", type.data ? type.data : "it",
				name, members.data ? members.data : "none that are described");
}

int probe_operand_member(struct probe_compiler *c, const char *name, struct probe_operand *o)
{
	struct dwarf_member m;
	int code = 0;
	while (!code && o->type.kind == DWARF_POINTER && o->type.die.addr)
		code = probe_operand_deref(c, o);
	if (code)
		return code;
	if (o->type.kind != DWARF_STRUCT)
		return wrong_type(c, o, "it has no members");
	if (!dwarf_type_member(c->file->dwarf, &o->type, name, &m))
		return no_such_member(c, o, name);
	o->offset += (int64_t)m.offset;
	o->bits = m.bits;
	o->bit_at = m.bit_at;
	o->type = m.type;
	return 0;
}

/* By a number that is known now the place stays known; else it is computed, and may be anywhere. */
int probe_operand_index(struct probe_compiler *c, struct probe_operand *o,
			const struct probe_operand *index)
{
	struct probe_code *code = &c->to->code;
	bool is_array = o->type.kind == DWARF_ARRAY;
	uint64_t count = o->type.count;
	int status = probe_operand_deref(c, o);
	if (status || o->form == PROBE_FORM_MISSING)
		return status;
	const struct prog_insn *number = &code->insns[index->value];
	int64_t bytes = (int64_t)o->type.bytes;
	if (!bytes)
		return wrong_type(c, o, "how large it is is not known");
	bool is_known = number->op == PROG_CONST && number->value >= INT32_MIN &&
			number->value <= INT32_MAX && bytes <= INT32_MAX;
	bool is_within = is_known && number->value >= 0 && (uint64_t)number->value < count;
	if (is_array && !is_within && !probe_operand_memory(c, o)) {
		probe_operand_miss(o, is_known ? "it has no such element"
					       : "it is in registers, where nothing is indexed");
		return 0;
	}
	if (is_array && !is_within)
		o->is_mapped = false;
	if (is_known)
		o->offset += number->value * bytes;
	else
		o->value = probe_code_pair(code, PROG_ADD, o->value,
					   probe_code_pair(code, PROG_MUL, index->value,
							   probe_code_const(code, bytes)));
	return 0;
}

int probe_operand_address(struct probe_compiler *c, struct probe_operand *o)
{
	if (o->form == PROBE_FORM_MISSING)
		return 0;
	if (o->bits || !probe_operand_memory(c, o))
		return PROBE_VALUE_FAIL(c, "this is not in memory here: it has no address");
	uint16_t address = probe_code_offset(&c->to->code, o->value, o->offset);
	probe_operand_number(o, address, 8, false);
	o->type.kind = DWARF_POINTER;
	return 0;
}
