/* SPDX-License-Identifier: MIT */
/*
 * Named types. Every use of a named structure is a copy of its own, since places depend on where
 * it is used; a budget keeps a few lines from growing into the whole memory.
 */
#include "ctf/ctf_parser.h"

#include <string.h>

enum { WORDS_BYTES_MAX = 256 };

static int parser_spend(struct parser *p)
{
	if (!p->budget)
		return err_set(p->e, E2BIG, "%u:%u: the types grow beyond all measure",
			       p->lex.token.line, p->lex.token.column);
	p->budget--;
	return 0;
}

int parser_type_create(struct parser *p, enum type_kind kind, uint32_t align_bits,
		       struct type **ret)
{
	int code = parser_spend(p);
	if (code)
		return code;
	struct type *t = schema_alloc(p->schema, sizeof(*t));
	if (!t)
		return parser_no_memory(p);
	t->kind = kind;
	t->align_bits = align_bits;
	t->size_bits = -1;
	*ret = t;
	return 0;
}

int parser_type_clone(struct parser *p, const struct type *t, struct type **ret)
{
	struct type *copy;
	int code = parser_type_create(p, t->kind, t->align_bits, &copy);
	if (code)
		return code;
	*copy = *t;
	if (t->kind == TYPE_ARRAY || t->kind == TYPE_SEQUENCE) {
		struct type *element;
		code = parser_type_clone(p, t->array.element, &element);
		if (code)
			return code;
		copy->array.element = element;
	} else if (t->kind == TYPE_STRUCT || t->kind == TYPE_VARIANT) {
		uint32_t count = t->structure.field_count;
		copy->structure.fields = schema_alloc(p->schema, count * sizeof(struct field) + 1);
		if (!copy->structure.fields)
			return parser_no_memory(p);
		for (uint32_t i = 0; i < count; i++) {
			struct type *member;
			code = parser_type_clone(p, t->structure.fields[i].type, &member);
			if (code)
				return code;
			copy->structure.fields[i] = t->structure.fields[i];
			copy->structure.fields[i].type = member;
		}
	}
	*ret = copy;
	return 0;
}

/* Names: the innermost declaration is the last one. */

static struct type *name_find(struct parser *p, enum parser_name_kind kind, const char *name)
{
	for (size_t i = p->names.count; i-- > 0;) {
		if (p->names.items[i].kind == kind && !strcmp(p->names.items[i].name, name))
			return p->names.items[i].type;
	}
	return NULL;
}

int parser_name_add(struct parser *p, enum parser_name_kind kind, const char *name, struct type *t)
{
	struct parser_name entry = {kind, name, t};
	return array_push(&p->names, entry) ? parser_no_memory(p) : 0;
}

int parser_name_use(struct parser *p, enum parser_name_kind kind, const char *name,
		    struct type **ret)
{
	struct type *t = name_find(p, kind, name);
	if (!t)
		return err_set(p->e, EINVAL, "%u:%u: there is no type '%s'", p->lex.token.line,
			       p->lex.token.column, name);
	return parser_type_clone(p, t, ret);
}

/* "unsigned long", "char *": up to what cannot belong to a type, or to the declarator. */
int parser_words(struct parser *p, bool declarator, const char **ret)
{
	char words[WORDS_BYTES_MAX];
	size_t used = 0;
	while (p->lex.token.kind == TOKEN_NAME || token_is(&p->lex.token, '*')) {
		const struct token *ahead = &p->lex.ahead;
		if (declarator && used && ahead->kind != TOKEN_NAME && !token_is(ahead, '*'))
			break;
		if (used + p->lex.token.bytes + 2 > sizeof(words))
			return parser_wrong(p, "a shorter type name");
		if (used)
			words[used++] = ' ';
		memcpy(words + used, p->lex.token.start, p->lex.token.bytes);
		used += p->lex.token.bytes;
		lexer_next(&p->lex);
	}
	if (!used)
		return parser_wrong(p, "a type");
	*ret = parser_copy(p, words, used);
	return *ret ? 0 : parser_no_memory(p);
}

/* "struct NAME", "struct {", "enum NAME : …": the name, NULL without one. */
int parser_tag(struct parser *p, const char **ret)
{
	*ret = NULL;
	if (p->lex.token.kind != TOKEN_NAME)
		return 0;
	*ret = parser_copy(p, p->lex.token.start, p->lex.token.bytes);
	lexer_next(&p->lex);
	return *ret ? 0 : parser_no_memory(p);
}
