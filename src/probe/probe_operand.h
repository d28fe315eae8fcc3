/* SPDX-License-Identifier: MIT */
/*
 * A value on its way from the debug information into a program: a number that is computed, or
 * something with a place, of which members are taken before anything is loaded.
 */
#ifndef CAIRN_PROBE_PROBE_OPERAND_H
#define CAIRN_PROBE_PROBE_OPERAND_H

#include "dwarf/dwarf_location.h"
#include "dwarf/dwarf_type.h"
#include "probe/probe_value.h"

enum probe_form {
	PROBE_FORM_NUMBER,  /* `value`; extended as the type says */
	PROBE_FORM_MEMORY,  /* at address `value` + `offset` */
	PROBE_FORM_PLACE,   /* where `location` says, `offset` bytes into it */
	PROBE_FORM_LITERAL, /* `text` */
	PROBE_FORM_MISSING, /* `text` says why */
};

struct probe_operand {
	enum probe_form form;
	bool is_mapped; /* memory that is certain to be there */
	bool is_string; /* str(…) */
	uint16_t value;
	int64_t offset;
	uint32_t bits, bit_at; /* of a bit field */
	const struct dwarf_location *location;
	const char *text;
	struct dwarf_type type; /* without an entry: a plain number */
};

/* One program in the making. */
struct probe_compiler {
	struct probe_file *file;
	const struct probe_place *place;
	const struct probe_spec *spec;
	struct probe_program *to;
	struct dwarf_variables variables;
	uint32_t output_bytes;         /* used by now */
	const struct probe_node *node; /* whose sentence it will be */
	struct err *e;
};

#define PROBE_VALUE_FAIL(c, format, ...)                                                           \
	err_set((c)->e, EINVAL, "in '%s', column %u: " format, (c)->spec->text, (c)->node->column, \
		##__VA_ARGS__)

/* A name's value at the place. -EINVAL: no such name. */
int probe_operand_find(struct probe_compiler *c, const char *name, struct probe_operand *ret);

/* The argument as callers pass it, the result as functions return it. */
void probe_operand_argument(struct probe_compiler *c, unsigned number, struct probe_operand *ret);
int probe_operand_result(struct probe_compiler *c, struct probe_operand *ret);

int probe_operand_member(struct probe_compiler *c, const char *name, struct probe_operand *o);
int probe_operand_deref(struct probe_compiler *c, struct probe_operand *o);
int probe_operand_index(struct probe_compiler *c, struct probe_operand *o,
			const struct probe_operand *index);
int probe_operand_address(struct probe_compiler *c, struct probe_operand *o);

/* A number of a scalar: loaded, extended. Missing ones stay so. */
int probe_operand_load(struct probe_compiler *c, struct probe_operand *o);

/* Of something with a place in memory, that place as a number. */
bool probe_operand_memory(struct probe_compiler *c, struct probe_operand *o);

/* Copies a text to the end of the output; where it is comes back. 0 `bytes`: its usual length. */
int probe_put_text(struct probe_compiler *c, struct probe_operand *o, uint32_t bytes,
		   uint32_t *at_ret);

void probe_operand_miss(struct probe_operand *o, const char *why);
void probe_operand_number(struct probe_operand *o, uint16_t value, unsigned bytes, bool is_signed);

bool probe_operand_is_text(struct probe_file *f, const struct probe_operand *o);

#endif
