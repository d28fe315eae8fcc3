/* SPDX-License-Identifier: MIT */
/* What all of the metadata parser is made of: expectations, paths, `name = value;`. */
#include "ctf/ctf_parser.h"
#include "util/arena.h"

#include <string.h>

enum { PATH_BYTES_MAX = 256 };

int parser_wrong(struct parser *p, const char *wanted)
{
	const struct token *t = &p->lex.token;
	if (t->kind == TOKEN_END)
		return err_set(p->e, EINVAL, "%u:%u: wanted %s, but the text ends", t->line,
			       t->column, wanted);
	int bytes = t->bytes > 40 ? 40 : (int)t->bytes;
	return err_set(p->e, EINVAL, "%u:%u: wanted %s, not '%.*s'", t->line, t->column, wanted,
		       bytes, t->start);
}

int parser_no_memory(struct parser *p)
{
	return err_set(p->e, ENOMEM, "no memory for the metadata");
}

bool parser_accept(struct parser *p, int symbol)
{
	if (!token_is(&p->lex.token, symbol))
		return false;
	lexer_next(&p->lex);
	return true;
}

int parser_expect(struct parser *p, int symbol)
{
	char wanted[] = {'\'', (char)(symbol & 127), '\'', 0};
	return parser_accept(p, symbol)
		       ? 0
		       : parser_wrong(p, symbol == SYMBOL_ASSIGN ? "':='" : wanted);
}

const char *parser_copy(struct parser *p, const char *start, size_t bytes)
{
	return arena_copy(p->schema->arena, start, bytes);
}

/* Absolute paths into the scope being parsed become relative ones. */
static const char *path_relative(const struct parser *p, const char *path)
{
	size_t bytes = p->scope ? strlen(p->scope) : 0;
	return bytes && !strncmp(path, p->scope, bytes) ? path + bytes : path;
}

int parser_path(struct parser *p, const char **ret)
{
	char path[PATH_BYTES_MAX];
	size_t used = 0;
	do {
		const struct token *t = &p->lex.token;
		if (t->kind != TOKEN_NAME)
			return parser_wrong(p, "a field's name");
		size_t skip = t->bytes > 1 && t->start[0] == '_';
		if (used + t->bytes + 2 > sizeof(path))
			return parser_wrong(p, "a shorter path");
		if (used)
			path[used++] = '.';
		memcpy(path + used, t->start + skip, t->bytes - skip);
		used += t->bytes - skip;
		lexer_next(&p->lex);
	} while (parser_accept(p, '.'));
	path[used] = 0;
	*ret = schema_string(p->schema, path_relative(p, path));
	return *ret ? 0 : parser_no_memory(p);
}

static int attribute_words(struct parser *p, struct attribute *ret)
{
	const char *start = p->lex.token.start;
	size_t bytes = 0;
	do {
		if (p->lex.token.kind != TOKEN_NAME)
			return parser_wrong(p, "a name");
		bytes = (size_t)(p->lex.token.start - start) + p->lex.token.bytes;
		lexer_next(&p->lex);
	} while (parser_accept(p, '.'));
	ret->text = parser_copy(p, start, bytes);
	return ret->text ? 0 : parser_no_memory(p);
}

int parser_attribute_value(struct parser *p, struct attribute *ret)
{
	int code = 0;
	bool negative = parser_accept(p, '-');
	const struct token *t = &p->lex.token;
	ret->kind = t->kind;
	if (t->kind == TOKEN_NAME && !negative) {
		code = attribute_words(p, ret);
	} else if (t->kind == TOKEN_NUMBER || (t->kind == TOKEN_TEXT && !negative)) {
		ret->number = (int64_t)(negative ? -t->number : t->number);
		/* The sign stands right in front of its number. */
		bool close = negative && t->start[-1] == '-';
		ret->text = parser_copy(p, t->start - close, t->bytes + close);
		code = ret->text ? 0 : parser_no_memory(p);
		lexer_next(&p->lex);
	} else {
		code = parser_wrong(p, "a value");
	}
	return code ? code : parser_expect(p, ';');
}

/* "id", "packet.header": the name, up to the '=' or ':='. */
int parser_attribute_name(struct parser *p, struct attribute *ret)
{
	size_t used = 0;
	do {
		const struct token *t = &p->lex.token;
		if (t->kind != TOKEN_NAME || used + t->bytes + 2 > sizeof(ret->name))
			return parser_wrong(p, "an attribute's name");
		if (used)
			ret->name[used++] = '.';
		memcpy(ret->name + used, t->start, t->bytes);
		used += t->bytes;
		lexer_next(&p->lex);
	} while (parser_accept(p, '.'));
	ret->name[used] = 0;
	return 0;
}

int parser_attribute(struct parser *p, struct attribute *ret)
{
	*ret = (struct attribute){0};
	int code = parser_attribute_name(p, ret);
	if (!code)
		code = parser_expect(p, '=');
	return code ? code : parser_attribute_value(p, ret);
}
