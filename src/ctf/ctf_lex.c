/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_lex.h"

#include <ctype.h>
#include <string.h>

static bool is_name(int c)
{
	return isalnum(c) || c == '_';
}

static int lexer_peek(const struct lexer *l, size_t ahead)
{
	return (size_t)(l->end - l->at) > ahead ? (unsigned char)l->at[ahead] : 0;
}

static void lexer_line(struct lexer *l)
{
	l->line++;
	l->line_start = l->at;
}

/* Over a comment, or to the end of the text. */
static void lexer_comment(struct lexer *l)
{
	bool block = lexer_peek(l, 1) == '*';
	for (l->at += 2; l->at < l->end; l->at++) {
		if (block && l->at[0] == '*' && lexer_peek(l, 1) == '/') {
			l->at += 2;
			return;
		}
		if (*l->at != '\n')
			continue;
		if (!block)
			return;
		l->line++;
		l->line_start = l->at + 1;
	}
	l->at = l->end;
}

static void lexer_blanks(struct lexer *l)
{
	while (l->at < l->end) {
		int c = (unsigned char)*l->at;
		if (c == '\n') {
			l->at++;
			lexer_line(l);
		} else if (isspace(c) || !c) {
			l->at++;
		} else if (c == '/' && (lexer_peek(l, 1) == '*' || lexer_peek(l, 1) == '/')) {
			lexer_comment(l);
		} else {
			break;
		}
	}
}

static enum token_kind lexer_text(struct lexer *l, struct token *t)
{
	t->start = ++l->at;
	for (; l->at < l->end && *l->at != '\n'; l->at++) {
		if (*l->at == '"') {
			t->bytes = (size_t)(l->at++ - t->start);
			return TOKEN_TEXT;
		}
		if (*l->at == '\\' && l->at + 1 < l->end)
			l->at++;
	}
	return l->at >= l->end ? TOKEN_END : TOKEN_WRONG;
}

static int digit_value(int c)
{
	if (isdigit(c))
		return c - '0';
	return isxdigit(c) ? tolower(c) - 'a' + 10 : 99;
}

/* Decimal, 0x, 0b or 0 octal, with C's suffixes. */
static enum token_kind lexer_number(struct lexer *l, struct token *t)
{
	int base = 10;
	if (*l->at == '0') {
		int second = tolower(lexer_peek(l, 1));
		base = second == 'x' ? 16 : second == 'b' ? 2 : 8;
		l->at += base == 8 ? 0 : 2;
	}
	for (; digit_value(lexer_peek(l, 0)) < base; l->at++)
		t->number = t->number * (unsigned)base + (unsigned)digit_value(*l->at);
	while (lexer_peek(l, 0) && strchr("uUlL", lexer_peek(l, 0)))
		l->at++;
	return is_name(lexer_peek(l, 0)) ? TOKEN_WRONG : TOKEN_NUMBER;
}

static enum token_kind lexer_symbol(struct lexer *l, struct token *t)
{
	t->symbol = (unsigned char)*l->at;
	if (!strchr("{}[]()<>;:,.=-+*", t->symbol))
		return TOKEN_WRONG;
	l->at++;
	if (t->symbol == ':' && lexer_peek(l, 0) == '=') {
		t->symbol = SYMBOL_ASSIGN;
		l->at++;
	} else if (t->symbol == '.' && lexer_peek(l, 0) == '.' && lexer_peek(l, 1) == '.') {
		t->symbol = SYMBOL_RANGE;
		l->at += 2;
	}
	return TOKEN_SYMBOL;
}

static void lexer_read(struct lexer *l, struct token *t)
{
	lexer_blanks(l);
	*t = (struct token){
		.start = l->at,
		.line = l->line,
		.column = (unsigned)(l->at - l->line_start) + 1,
	};
	int c = lexer_peek(l, 0);
	if (l->at == l->end)
		t->kind = TOKEN_END;
	else if (c == '"')
		t->kind = lexer_text(l, t);
	else if (isdigit(c))
		t->kind = lexer_number(l, t);
	else if (is_name(c)) {
		while (is_name(lexer_peek(l, 0)))
			l->at++;
		t->kind = TOKEN_NAME;
	} else {
		t->kind = lexer_symbol(l, t);
	}
	if (t->kind != TOKEN_TEXT)
		t->bytes = (size_t)(l->at - t->start);
}

void lexer_init(struct lexer *l, const char *text, size_t bytes)
{
	*l = (struct lexer){.at = text, .end = text + bytes, .line_start = text, .line = 1};
	lexer_read(l, &l->token);
	lexer_read(l, &l->ahead);
}

void lexer_next(struct lexer *l)
{
	/* Nothing comes after the end or a mistake: the parser stops in front of both. */
	if (l->token.kind == TOKEN_END || l->token.kind == TOKEN_WRONG)
		return;
	l->token = l->ahead;
	if (l->token.kind != TOKEN_END && l->token.kind != TOKEN_WRONG)
		lexer_read(l, &l->ahead);
}

bool token_named(const struct token *t, const char *name)
{
	return t->kind == TOKEN_NAME && strlen(name) == t->bytes &&
	       !memcmp(t->start, name, t->bytes);
}
