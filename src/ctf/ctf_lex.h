/* SPDX-License-Identifier: MIT */
/* The words of TSDL, the language CTF 1.8 describes traces in. */
#ifndef CAIRN_CTF_CTF_LEX_H
#define CAIRN_CTF_CTF_LEX_H

#include "util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token_kind {
	TOKEN_END,
	TOKEN_NAME, /* keywords too: TSDL uses them as field names */
	TOKEN_NUMBER,
	TOKEN_TEXT,   /* between quotes, escapes still in it */
	TOKEN_SYMBOL, /* one character, or ":=" (as '='+128) or "..." (as '.'+128) */
	TOKEN_WRONG,  /* no word of the language */
};

enum { SYMBOL_ASSIGN = '=' + 128, SYMBOL_RANGE = '.' + 128 };

struct token {
	enum token_kind kind;
	const char *start;
	size_t bytes;
	uint64_t number;
	int symbol;
	unsigned line, column;
};

struct lexer {
	const char *at, *end;
	const char *line_start;
	unsigned line;
	struct token token; /* where the parser stands */
	struct token ahead; /* the one after it */
};

void lexer_init(struct lexer *l, const char *text, size_t bytes);
void lexer_next(struct lexer *l);

static inline bool token_is(const struct token *t, int symbol)
{
	return t->kind == TOKEN_SYMBOL && t->symbol == symbol;
}

bool token_named(const struct token *t, const char *name);

#endif
