/* SPDX-License-Identifier: MIT */
/* TSDL's integers, floating point numbers, strings and enumerations. */
#include "ctf/ctf_parser.h"

#include <stdio.h>
#include <string.h>

int attribute_align(struct parser *p, const struct attribute *a, uint32_t *ret)
{
	if (a->kind != TOKEN_NUMBER || a->number < 1 || a->number > 4096 ||
	    (a->number & (a->number - 1)))
		return parser_wrong(p, "an alignment that is a power of two in front of this");
	*ret = (uint32_t)a->number;
	return 0;
}

static bool attribute_big_endian(struct parser *p, const struct attribute *a)
{
	if (!a->text || !strcmp(a->text, "native"))
		return p->metadata->big_endian;
	return !strcmp(a->text, "be") || !strcmp(a->text, "network");
}

static uint8_t attribute_base(const struct attribute *a)
{
	static const struct {
		const char *names;
		uint8_t base;
	} bases[] = {
		{" x X p hex hexadecimal 16 0x10 ", 16},
		{" o oct octal 8 ", 8},
		{" b bin binary 2 ", 2},
	};
	char wanted[32];
	int bytes = snprintf(wanted, sizeof(wanted), " %s ", a->text ? a->text : "");
	for (size_t i = 0; bytes > 2 && i < sizeof(bases) / sizeof(bases[0]); i++) {
		if (strstr(bases[i].names, wanted))
			return bases[i].base;
	}
	return 10;
}

/* "clock.NAME.value" */
static void attribute_map(struct parser *p, const struct attribute *a, struct type *t)
{
	const char *name = a->text && !strncmp(a->text, "clock.", 6) ? a->text + 6 : NULL;
	const char *end = name ? strrchr(name, '.') : NULL;
	if (!end)
		return;
	t->integer.maps_time = true;
	if (!p->mapped_clock)
		p->mapped_clock = parser_copy(p, name, (size_t)(end - name));
}

static int integer_attribute(struct parser *p, struct type *t, const struct attribute *a)
{
	const char *text = a->text ? a->text : "";
	if (!strcmp(a->name, "size")) {
		if (a->kind != TOKEN_NUMBER || a->number < 1 || a->number > 64)
			return parser_wrong(p, "a size of 1 to 64 bits in front of this");
		t->integer.bits = (uint8_t)a->number;
	} else if (!strcmp(a->name, "align")) {
		return attribute_align(p, a, &t->align_bits);
	} else if (!strcmp(a->name, "signed")) {
		t->integer.is_signed =
			a->kind == TOKEN_NUMBER ? a->number : !strcasecmp(text, "true");
	} else if (!strcmp(a->name, "byte_order")) {
		t->integer.big_endian = attribute_big_endian(p, a);
	} else if (!strcmp(a->name, "encoding")) {
		t->integer.is_text = strcasecmp(text, "none") != 0;
	} else if (!strcmp(a->name, "base")) {
		t->integer.base = attribute_base(a);
	} else if (!strcmp(a->name, "map")) {
		attribute_map(p, a, t);
	}
	return 0;
}

int parser_integer(struct parser *p, struct type **ret)
{
	struct type *t;
	int code = parser_type_create(p, TYPE_INTEGER, 0, &t);
	if (!code)
		code = parser_expect(p, '{');
	if (code)
		return code;
	t->integer.base = 10;
	t->integer.big_endian = p->metadata->big_endian;
	while (!parser_accept(p, '}')) {
		struct attribute a;
		code = parser_attribute(p, &a);
		if (!code)
			code = integer_attribute(p, t, &a);
		if (code)
			return code;
	}
	if (!t->integer.bits)
		return parser_wrong(p, "an integer with a size in front of this");
	if (!t->align_bits)
		t->align_bits = t->integer.bits % 8 ? 1 : 8;
	*ret = t;
	return 0;
}

int parser_real(struct parser *p, struct type **ret)
{
	struct type *t;
	int code = parser_type_create(p, TYPE_REAL, 1, &t);
	if (!code)
		code = parser_expect(p, '{');
	if (code)
		return code;
	int64_t bits = 0;
	t->real.big_endian = p->metadata->big_endian;
	while (!parser_accept(p, '}')) {
		struct attribute a;
		code = parser_attribute(p, &a);
		if (code)
			return code;
		if (!strcmp(a.name, "exp_dig") || !strcmp(a.name, "mant_dig"))
			bits = a.number > 0 && a.number <= 64 ? bits + a.number : 0;
		else if (!strcmp(a.name, "byte_order"))
			t->real.big_endian = attribute_big_endian(p, &a);
		else if (!strcmp(a.name, "align"))
			code = attribute_align(p, &a, &t->align_bits);
		if (code)
			return code;
	}
	if (bits != 32 && bits != 64)
		return parser_wrong(p, "a floating point type of 32 or 64 bits in front of this");
	t->real.bits = (uint8_t)bits;
	*ret = t;
	return 0;
}

int parser_string(struct parser *p, struct type **ret)
{
	int code = parser_type_create(p, TYPE_STRING, 8, ret);
	if (code || !parser_accept(p, '{'))
		return code;
	while (!parser_accept(p, '}')) {
		struct attribute a;
		code = parser_attribute(p, &a);
		if (code)
			return code;
	}
	return 0;
}

static int parser_signed(struct parser *p, int64_t *ret)
{
	bool negative = parser_accept(p, '-');
	if (!negative)
		parser_accept(p, '+');
	if (p->lex.token.kind != TOKEN_NUMBER)
		return parser_wrong(p, "a number");
	*ret = (int64_t)(negative ? -p->lex.token.number : p->lex.token.number);
	lexer_next(&p->lex);
	return 0;
}

/* `name`, `"name" = 3`, `name = 3 ... 5` */
static int parser_label(struct parser *p, int64_t next, struct type_label *ret)
{
	const struct token *t = &p->lex.token;
	if (t->kind != TOKEN_NAME && t->kind != TOKEN_TEXT)
		return parser_wrong(p, "a label");
	struct type_label label = {next, next, parser_copy(p, t->start, t->bytes)};
	if (!label.name)
		return parser_no_memory(p);
	lexer_next(&p->lex);
	int code = 0;
	if (parser_accept(p, '=')) {
		code = parser_signed(p, &label.first);
		label.last = label.first;
		if (!code && parser_accept(p, SYMBOL_RANGE))
			code = parser_signed(p, &label.last);
	}
	*ret = label;
	return code;
}

static int parser_labels(struct parser *p, struct type *t)
{
	ARRAY(struct type_label) labels = {0};
	int64_t next = 0;
	int code = 0;
	while (!code && !parser_accept(p, '}')) {
		struct type_label label;
		code = parser_label(p, next, &label);
		if (!code && array_push(&labels, label))
			code = parser_no_memory(p);
		next = code ? 0 : (int64_t)((uint64_t)label.last + 1);
		if (!code && !parser_accept(p, ',') && !token_is(&p->lex.token, '}'))
			code = parser_wrong(p, "',' or '}'");
	}
	size_t bytes = labels.count * sizeof(struct type_label);
	struct type_label *kept = code ? NULL : schema_alloc(p->schema, bytes + 1);
	if (!code && !kept)
		code = parser_no_memory(p);
	if (!code && bytes)
		memcpy(kept, labels.items, bytes);
	t->integer.labels = kept;
	t->integer.label_count = code ? 0 : (uint32_t)labels.count;
	array_free(&labels);
	return code;
}

int parser_enum(struct parser *p, struct type **ret)
{
	const char *tag;
	struct type *t;
	int code = parser_tag(p, &tag);
	if (code)
		return code;
	if (tag && !token_is(&p->lex.token, ':') && !token_is(&p->lex.token, '{'))
		return parser_name_use(p, NAME_ENUM, tag, ret);
	if (parser_accept(p, ':'))
		code = parser_type(p, false, &t);
	else
		code = parser_name_use(p, NAME_ALIAS, "int", &t);
	if (!code && t->kind != TYPE_INTEGER)
		code = parser_wrong(p, "an integer type for the enumeration in front of this");
	if (!code)
		code = parser_expect(p, '{');
	if (!code)
		code = parser_labels(p, t);
	if (!code && tag)
		code = parser_name_add(p, NAME_ENUM, tag, t);
	if (!code)
		*ret = t;
	return code;
}
