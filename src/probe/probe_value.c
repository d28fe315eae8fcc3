/* SPDX-License-Identifier: MIT */
#include "probe/probe_value.h"
#include "probe/probe_compile.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

enum { UNREAD_BYTES = 4 };

static int put_text_at(struct probe_compiler *c, struct probe_operand *o, uint32_t at,
		       uint32_t bytes)
{
	struct prog_insn put = {.op = PROG_PUT_TEXT, .at = at, .bytes = bytes};
	if (o->type.kind == DWARF_ARRAY) {
		/* No further than the array goes, where its length is known. */
		if (o->type.bytes && o->type.bytes < bytes)
			put.bytes = (uint32_t)o->type.bytes + 1;
		if (o->form != PROBE_FORM_MISSING && !probe_operand_memory(c, o))
			probe_operand_miss(o, "a text that is not in memory is not shown");
	} else {
		int code = probe_operand_load(c, o);
		if (code)
			return code;
	}
	if (o->form == PROBE_FORM_MISSING)
		return 0;
	put.a = probe_code_offset(&c->to->code, o->value, o->offset);
	probe_code_add(&c->to->code, put);
	return 0;
}

int probe_put_text(struct probe_compiler *c, struct probe_operand *o, uint32_t bytes,
		   uint32_t *at_ret)
{
	if (!probe_operand_is_text(c->file, o))
		return PROBE_VALUE_FAIL(c, "this is no text; write str(…) if there is one at it");
	*at_ret = c->output_bytes;
	c->output_bytes += bytes;
	return put_text_at(c, o, *at_ret, bytes);
}

/* How a value is shown, and its bytes. */
static void set_shape(struct probe_field *field, const struct probe_operand *o)
{
	static const uint8_t shapes[] = {
		[DWARF_BOOL] = PROBE_SHAPE_BOOL,         [DWARF_REAL] = PROBE_SHAPE_REAL,
		[DWARF_ENUM] = PROBE_SHAPE_LABELS,       [DWARF_POINTER] = PROBE_SHAPE_HEX,
		[DWARF_CHARACTER] = PROBE_SHAPE_INTEGER, [DWARF_FUNCTION] = PROBE_SHAPE_HEX,
	};
	Dwarf_Die die = o->type.die;
	const char *name = die.addr ? dwarf_die_string(&die, DW_AT_name) : NULL;
	if (o->type.kind < sizeof(shapes) / sizeof(*shapes))
		field->shape = shapes[o->type.kind];
	if (o->type.kind == DWARF_CHARACTER && name && !strcmp(name, "char"))
		field->shape = PROBE_SHAPE_CHARACTER;
	field->is_signed = o->type.is_signed;
	field->bytes = (uint32_t)o->type.bytes;
	field->described = o->type;
}

static int set_type_text(struct probe_compiler *c, struct probe_field *field,
			 const struct probe_operand *o)
{
	CLEANUP_TEXT struct text type = {0};
	if (o->type.spelled.addr)
		dwarf_type_print(c->file->dwarf, &o->type, &type);
	else
		text_print(&type, "%s%u",
			   o->type.kind == DWARF_POINTER ? "hex"
			   : o->type.is_signed           ? "int"
							 : "uint",
			   (unsigned)o->type.bytes * 8);
	field->type = type.data ? arena_copy(c->to->arena, type.data, type.bytes) : NULL;
	return field->type ? 0 : err_set(c->e, ENOMEM, "no memory for a probe");
}

/* The record's next place for so many bytes. */
static void set_place(struct probe_compiler *c, struct probe_field *field)
{
	uint32_t align = field->shape == PROBE_SHAPE_TEXT ? 1 : field->bytes;
	c->output_bytes = (c->output_bytes + align - 1) & ~(align - 1);
	field->at = c->output_bytes;
	c->output_bytes += field->bytes;
}

static int add_field(struct probe_compiler *c, unsigned index, struct probe_operand *o)
{
	struct probe_field *field = &c->to->fields[index];
	const struct probe_item *item = &c->spec->items[index];
	int code = set_type_text(c, field, o);
	field->name = item->name;
	field->text = item->text;
	if (!code && o->form == PROBE_FORM_LITERAL)
		code = PROBE_VALUE_FAIL(c, "a text by itself is nothing to see");
	if (code)
		return code;
	if (probe_operand_is_text(c->file, o)) {
		field->shape = PROBE_SHAPE_TEXT;
		field->bytes = PROBE_TEXT_BYTES;
		set_place(c, field);
		code = put_text_at(c, o, field->at, field->bytes);
	} else {
		code = probe_operand_load(c, o);
		if (code)
			return code;
		set_shape(field, o);
		set_place(c, field);
		struct prog_insn put = {
			.op = PROG_PUT, .a = o->value, .at = field->at, .bytes = field->bytes};
		if (o->form != PROBE_FORM_MISSING)
			probe_code_add(&c->to->code, put);
	}
	field->problem = o->form == PROBE_FORM_MISSING ? o->text : NULL;
	return code;
}

/* V2: the mark of what this field read, as its bit. */
static void note_fault(struct probe_compiler *c, unsigned index, uint16_t *unread)
{
	struct probe_code *code = &c->to->code;
	if (!code->has_reads)
		return;
	uint16_t fault = probe_code_add(code, (struct prog_insn){.op = PROG_FAULT});
	uint16_t bit = probe_code_pair(code, PROG_SHL, fault, probe_code_const(code, index));
	*unread = probe_code_pair(code, PROG_OR, *unread, bit);
}

static int compile_fields(struct probe_compiler *c)
{
	struct probe_code *code = &c->to->code;
	uint32_t known_unread = 0;
	int status = 0;
	c->output_bytes = UNREAD_BYTES;
	uint16_t unread = probe_code_const(code, 0);
	for (unsigned i = 0; i < c->spec->item_count && !status; i++) {
		struct probe_operand o;
		code->now++;
		status = probe_compile(c, c->spec->items[i].root, &o);
		if (!status)
			status = add_field(c, i, &o);
		note_fault(c, i, &unread);
		if (!status && c->to->fields[i].problem)
			known_unread |= UINT32_C(1) << i;
	}
	if (known_unread)
		unread = probe_code_pair(code, PROG_OR, unread,
					 probe_code_const(code, known_unread));
	probe_code_add(code,
		       (struct prog_insn){.op = PROG_PUT, .a = unread, .bytes = UNREAD_BYTES});
	c->to->field_count = c->spec->item_count;
	return status;
}

/* Where the scratch of the condition begins: behind whatever record the fields will make. */
static uint32_t record_bytes_max(const struct probe_spec *spec)
{
	return UNREAD_BYTES + spec->item_count * PROBE_TEXT_BYTES;
}

/* The condition's number, and the skip of everything else when it is 0. */
static int compile_condition(struct probe_compiler *c, uint32_t *skip_ret)
{
	struct probe_code *code = &c->to->code;
	CLEANUP_TEXT struct text place = {0};
	struct probe_operand o;
	c->output_bytes = record_bytes_max(c->spec);
	int status = probe_compile_truth(c, c->spec->condition, &o);
	if (status)
		return status;
	if (o.form == PROBE_FORM_MISSING) {
		probe_place_print(c->place, &place);
		return PROBE_VALUE_FAIL(c, "the condition cannot be decided at %s: %s",
					place.data ? place.data : "a place", o.text);
	}
	if (code->has_reads) {
		uint16_t fault = probe_code_add(code, (struct prog_insn){.op = PROG_FAULT});
		o.value = probe_code_pair(code, PROG_AND, o.value,
					  probe_code_pair(code, PROG_NOT, fault, 0));
	}
	*skip_ret = probe_code_skip(code, PROG_SKIP_UNLESS, o.value);
	return 0;
}

static int compile_all(struct probe_compiler *c)
{
	struct probe_code *code = &c->to->code;
	uint32_t skip = 0;
	bool is_conditional = c->spec->condition != PROBE_NONE;
	int status = is_conditional ? compile_condition(c, &skip) : 0;
	uint32_t scratch_bytes = is_conditional ? c->output_bytes : 0;
	if (!status)
		status = compile_fields(c);
	if (status)
		return status;
	c->to->record_bytes = c->output_bytes;
	uint16_t result = is_conditional ? code->insns[skip].a : probe_code_const(code, 1);
	if (is_conditional)
		probe_code_land(code, skip);
	probe_code_add(code, (struct prog_insn){.op = PROG_RESULT, .a = result});
	c->to->prog = (struct prog){.insns = code->insns,
				    .insn_count = code->count,
				    .pool = code->pool,
				    .pool_bytes = code->pool_bytes};
	if (code->is_full || scratch_bytes > PROG_OUTPUT_BYTES_MAX ||
	    !prog_check(&c->to->prog, NULL))
		return err_set(c->e, E2BIG, "'%s' is too much for one probe; ask for fewer values",
			       c->spec->text);
	return 0;
}

int probe_program_create(struct probe_file *f, const struct probe_place *place,
			 const struct probe_spec *spec, struct probe_program **ret, struct err *e)
{
	struct probe_program *p = calloc(1, sizeof(*p));
	if (p)
		p->arena = arena_create();
	if (!p || !p->arena) {
		probe_program_destroy(p);
		return err_set(e, ENOMEM, "no memory for a probe");
	}
	struct probe_compiler c = {
		.file = f, .place = place, .spec = spec, .to = p, .node = spec->nodes, .e = e};
	int code = 0;
	if (f->dwarf &&
	    dwarf_variables_read(f->dwarf, place->address, place->scope.addr ? &place->scope : NULL,
				 &c.variables))
		code = err_set(e, ENOMEM, "no memory for a probe");
	if (!code)
		code = compile_all(&c);
	dwarf_variables_deinit(&c.variables);
	if (code)
		probe_program_destroy(p);
	else
		*ret = p;
	return code;
}

void probe_program_destroy(struct probe_program *p)
{
	if (!p)
		return;
	arena_destroy(p->arena);
	free(p);
}

bool probe_program_is_alike(const struct probe_program *a, const struct probe_program *b)
{
	if (a->field_count != b->field_count || a->record_bytes != b->record_bytes)
		return false;
	for (unsigned i = 0; i < a->field_count; i++) {
		const struct probe_field *x = &a->fields[i], *y = &b->fields[i];
		if (x->shape != y->shape || x->is_signed != y->is_signed || x->at != y->at ||
		    x->bytes != y->bytes || strcmp(x->type, y->type) != 0)
			return false;
	}
	return true;
}

bool probe_label_next(const struct probe_field *field, Dwarf_Die *cursor, const char **name_ret,
		      int64_t *value_ret)
{
	return field->shape == PROBE_SHAPE_LABELS &&
	       dwarf_type_label_next(&field->described, cursor, name_ret, value_ret);
}
