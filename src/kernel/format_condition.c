/* SPDX-License-Identifier: MIT */
#include "kernel/format_condition.h"

static enum condition_kind kind_of(const struct format_field *field)
{
	switch (field->kind) {
	case FORMAT_INTEGER:
	case FORMAT_POINTER:
		return CONDITION_NUMBER;
	case FORMAT_TEXT:
		return CONDITION_TEXT;
	case FORMAT_DYNAMIC_TEXT:
		return field->is_relative ? CONDITION_TEXT_REL : CONDITION_TEXT_LOC;
	default:
		return CONDITION_OTHER;
	}
}

int format_condition(struct condition **ret, const struct format *f, const char *text,
		     struct err *e)
{
	struct condition_field fields[FORMAT_FIELDS_MAX];
	for (size_t i = 0; i < f->field_count; i++) {
		const struct format_field *field = &f->fields[i];
		fields[i] = (struct condition_field){.name = field->name,
						     .at = field->offset,
						     .bytes = field->size,
						     .is_signed = field->is_signed,
						     .kind = kind_of(field)};
	}
	return condition_create(ret, text, f->name, fields, f->field_count, e);
}
