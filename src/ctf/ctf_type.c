/* SPDX-License-Identifier: MIT */
/* TSDL's structures, variants, arrays and declarations. */
#include "ctf/ctf_parser.h"

#include <string.h>

enum { DIMENSIONS_MAX = 8 };

/* Length of an array, or the path to the length of a sequence. */
struct dimension {
	uint64_t count;
	const char *length;
};

static int parser_dimension(struct parser *p, struct dimension *ret)
{
	int code = 0;
	*ret = (struct dimension){0};
	if (p->lex.token.kind == TOKEN_NUMBER) {
		ret->count = p->lex.token.number;
		lexer_next(&p->lex);
		if (ret->count > UINT32_MAX)
			return parser_wrong(p, "a smaller array in front of this");
	} else {
		code = parser_path(p, &ret->length);
	}
	return code ? code : parser_expect(p, ']');
}

/* After the type: `name`, `name[3]`, `name[length][2]`. */
static int parser_declarator(struct parser *p, struct type *t, struct field *ret)
{
	struct dimension dimensions[DIMENSIONS_MAX];
	size_t count = 0;
	if (p->lex.token.kind != TOKEN_NAME)
		return parser_wrong(p, "a field's name");
	const char *copy = parser_copy(p, p->lex.token.start, p->lex.token.bytes);
	if (!copy)
		return parser_no_memory(p);
	lexer_next(&p->lex);
	while (parser_accept(p, '[')) {
		if (count == DIMENSIONS_MAX)
			return parser_wrong(p, "fewer dimensions");
		int code = parser_dimension(p, &dimensions[count++]);
		if (code)
			return code;
	}
	while (count-- > 0) {
		struct type *array;
		enum type_kind kind = dimensions[count].length ? TYPE_SEQUENCE : TYPE_ARRAY;
		int code = parser_type_create(p, kind, 1, &array);
		if (code)
			return code;
		array->array.element = t;
		array->array.count = (uint32_t)dimensions[count].count;
		array->array.length = dimensions[count].length;
		t = array;
	}
	*ret = (struct field){.name = copy, .type = t};
	return 0;
}

struct field_list {
	struct field *items;
	size_t count, capacity;
};

static int parser_fields(struct parser *p, struct field_list *list)
{
	struct type *t;
	int code = parser_type(p, true, &t);
	while (!code) {
		struct field f;
		code = parser_declarator(p, t, &f);
		if (!code)
			f.name += f.name[0] == '_' && f.name[1];
		if (!code && array_push(list, f))
			code = parser_no_memory(p);
		if (code || !parser_accept(p, ','))
			break;
		code = parser_type_clone(p, t, &t);
	}
	return code ? code : parser_expect(p, ';');
}

/* After the '{' of a structure or variant, through its '}'. */
static int parser_body(struct parser *p, struct type *t)
{
	struct field_list list = {0};
	size_t outer_names = p->names.count;
	int code = 0;
	while (!code && !parser_accept(p, '}')) {
		if (token_named(&p->lex.token, "typealias"))
			code = parser_typealias(p);
		else if (token_named(&p->lex.token, "typedef"))
			code = parser_typedef(p);
		else
			code = parser_fields(p, &list);
	}
	p->names.count = outer_names;
	if (!code) {
		size_t bytes = list.count * sizeof(struct field);
		t->structure.fields = schema_alloc(p->schema, bytes + 1);
		t->structure.field_count = (uint32_t)list.count;
		if (!t->structure.fields)
			code = parser_no_memory(p);
		else if (bytes)
			memcpy(t->structure.fields, list.items, bytes);
	}
	array_free(&list);
	return code;
}

static int parser_align_suffix(struct parser *p, struct type *t)
{
	if (!token_named(&p->lex.token, "align") || !token_is(&p->lex.ahead, '('))
		return 0;
	lexer_next(&p->lex);
	lexer_next(&p->lex);
	struct attribute a = {.kind = p->lex.token.kind, .number = (int64_t)p->lex.token.number};
	int code = attribute_align(p, &a, &t->align_bits);
	if (code)
		return code;
	lexer_next(&p->lex);
	return parser_expect(p, ')');
}

static int parser_struct(struct parser *p, struct type **ret)
{
	const char *tag;
	struct type *t;
	int code = parser_tag(p, &tag);
	if (code)
		return code;
	if (tag && !token_is(&p->lex.token, '{'))
		return parser_name_use(p, NAME_STRUCT, tag, ret);
	code = parser_type_create(p, TYPE_STRUCT, 1, &t);
	if (!code)
		code = parser_expect(p, '{');
	if (!code)
		code = parser_body(p, t);
	if (!code)
		code = parser_align_suffix(p, t);
	if (!code && tag)
		code = parser_name_add(p, NAME_STRUCT, tag, t);
	if (!code)
		*ret = t;
	return code;
}

/* `variant NAME <tag> { … }`, each of the three may be missing. */
static int parser_variant(struct parser *p, struct type **ret)
{
	const char *name, *tag = NULL;
	struct type *t;
	int code = parser_tag(p, &name);
	if (!code && parser_accept(p, '<')) {
		code = parser_path(p, &tag);
		if (!code)
			code = parser_expect(p, '>');
	}
	if (code)
		return code;
	if (name && !token_is(&p->lex.token, '{')) {
		code = parser_name_use(p, NAME_VARIANT, name, &t);
	} else {
		code = parser_type_create(p, TYPE_VARIANT, 1, &t);
		if (!code)
			code = parser_expect(p, '{');
		if (!code)
			code = parser_body(p, t);
		if (!code && name)
			code = parser_name_add(p, NAME_VARIANT, name, t);
	}
	if (code)
		return code;
	if (tag)
		t->structure.tag = tag;
	*ret = t;
	return 0;
}

static int parser_type_nested(struct parser *p, bool declarator, struct type **ret)
{
	static const struct {
		const char *keyword;
		int (*parse)(struct parser *p, struct type **ret);
	} kinds[] = {
		{"integer", parser_integer}, {"floating_point", parser_real},
		{"string", parser_string},   {"enum", parser_enum},
		{"struct", parser_struct},   {"variant", parser_variant},
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (token_named(&p->lex.token, kinds[i].keyword)) {
			lexer_next(&p->lex);
			return kinds[i].parse(p, ret);
		}
	}
	const char *words;
	int code = parser_words(p, declarator, &words);
	return code ? code : parser_name_use(p, NAME_ALIAS, words, ret);
}

int parser_type(struct parser *p, bool declarator, struct type **ret)
{
	if (p->depth == TYPE_DEPTH_MAX)
		return parser_wrong(p, "types nested less deep");
	p->depth++;
	int code = parser_type_nested(p, declarator, ret);
	p->depth--;
	return code;
}

int parser_typealias(struct parser *p)
{
	struct type *t;
	const char *name = NULL;
	lexer_next(&p->lex);
	int code = parser_type(p, false, &t);
	if (!code)
		code = parser_expect(p, SYMBOL_ASSIGN);
	if (!code)
		code = parser_words(p, false, &name);
	if (!code)
		code = parser_name_add(p, NAME_ALIAS, name, t);
	return code ? code : parser_expect(p, ';');
}

int parser_typedef(struct parser *p)
{
	struct type *t;
	struct field f;
	lexer_next(&p->lex);
	int code = parser_type(p, true, &t);
	if (!code)
		code = parser_declarator(p, t, &f);
	if (!code)
		code = parser_name_add(p, NAME_ALIAS, f.name, (struct type *)f.type);
	return code ? code : parser_expect(p, ';');
}
