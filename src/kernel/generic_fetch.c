/* SPDX-License-Identifier: MIT */
#include "kernel/generic_fetch.h"

#include "kernel/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REGISTER_ARGUMENTS = 6, WORD_BYTES = 16, FIELD_NAME_BYTES = 64 };

/* The words of the kernel's pt_regs. */
static const char *const registers[GENERIC_REGISTERS] = {
	"r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax",
	"cx",  "dx",  "si",  "di",  "",   "ip", "",    "",    "sp", "",
};

static const char *const arguments[REGISTER_ARGUMENTS] = {"di", "si", "dx", "cx", "r8", "r9"};

static bool set_register(struct generic_value *v, const char *name)
{
	for (uint8_t i = 0; i < GENERIC_REGISTERS; i++) {
		if (*registers[i] && !strcmp(registers[i], name)) {
			v->base = i;
			return true;
		}
	}
	return false;
}

static bool add_step(struct generic_value *v, long offset)
{
	if (v->step_count == GENERIC_STEPS_MAX || offset < INT32_MIN || offset > INT32_MAX)
		return false;
	v->steps[v->step_count++] = (int32_t)offset;
	return true;
}

/* "%di", "$retval", "$arg3"; from the seventh argument on, words of the stack. */
static bool parse_base(struct generic_value *v, const char **at)
{
	char word[WORD_BYTES];
	size_t bytes = strcspn(*at, "):");
	snprintf(word, sizeof(word), "%.*s", (int)bytes, *at);
	*at += bytes;
	unsigned number;
	if (*word == '%')
		return set_register(v, word + 1);
	if (!strcmp(word, "$retval"))
		return set_register(v, "ax");
	if (sscanf(word, "$arg%u", &number) != 1 || !number)
		return false;
	if (number <= REGISTER_ARGUMENTS)
		return set_register(v, arguments[number - 1]);
	return set_register(v, "sp") && add_step(v, 8 * ((long)number - REGISTER_ARGUMENTS));
}

/* "+8(-4($arg1))": what is said first is done last. */
static bool parse_place(struct generic_value *v, const char **at, int depth)
{
	if (**at != '+' && **at != '-')
		return parse_base(v, at);
	char *end;
	long offset = strtol(*at, &end, 10);
	if (*end != '(' || depth == GENERIC_STEPS_MAX)
		return false;
	*at = end + 1;
	return parse_place(v, at, depth + 1) && *(*at)++ == ')' && add_step(v, offset);
}

static bool parse_type(struct generic_value *v, const char *type, const struct format_field *field)
{
	unsigned bits, shift, word;
	v->at = field->offset;
	v->bytes = field->size;
	if (!strncmp(type, "string", 6)) {
		v->kind = GENERIC_TEXT;
		return v->step_count && format_is_dynamic(field);
	}
	if (format_is_dynamic(field))
		return false;
	if (field->kind == FORMAT_ARRAY || field->kind == FORMAT_TEXT) {
		v->kind = GENERIC_BYTES;
		return v->step_count && v->bytes <= RECORDER_GENERIC_BYTES_MAX / 2;
	}
	v->kind = GENERIC_NUMBER;
	if (sscanf(type, "b%u@%u/%u", &bits, &shift, &word) == 3) {
		v->bits = (uint8_t)bits;
		v->shift = (uint8_t)shift;
		return bits < 64 && shift < 64;
	}
	return v->bytes <= 8;
}

static bool parse_value(struct generic_value *v, const char *text, const struct format *f)
{
	char name[FIELD_NAME_BYTES];
	const char *at = text + strcspn(text, "= ");
	*v = (struct generic_value){0};
	if (*at != '=')
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(at++ - text), text);
	const struct format_field *field = format_find(f, name);
	return field && parse_place(v, &at, 0) && *at == ':' && parse_type(v, at + 1, field);
}

int generic_fetch_parse(struct generic_probe *ret, const struct plan_event *event, struct err *e)
{
	*ret = (struct generic_probe){.is_user = event->is_user,
				      .is_return = event->is_return,
				      .is_filtered = event->when != NULL,
				      .fixed_bytes = (uint16_t)event->format->fixed_bytes};
	for (const char *at = event->fetch; *at;) {
		if (ret->value_count == GENERIC_VALUES_MAX ||
		    !parse_value(&ret->values[ret->value_count++], at, event->format))
			return err_set(e, EOPNOTSUPP,
				       "BPF cannot fetch '%.*s' as the kernel's own probe does",
				       (int)strcspn(at, " "), at);
		at += strcspn(at, " ");
		at += *at == ' ';
	}
	return 0;
}
