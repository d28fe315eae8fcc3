/* SPDX-License-Identifier: MIT */
/* Inside the metadata parser: what its files share. */
#ifndef CAIRN_CTF_CTF_PARSER_H
#define CAIRN_CTF_CTF_PARSER_H

#include "ctf/ctf_lex.h"
#include "ctf/ctf_types.h"

enum parser_name_kind { NAME_ALIAS, NAME_STRUCT, NAME_VARIANT, NAME_ENUM };

struct parser_name {
	enum parser_name_kind kind;
	const char *name;
	struct type *type;
};

struct parser {
	struct lexer lex;
	struct ctf_metadata *metadata;
	struct schema *schema;
	struct err *e;
	ARRAY(struct parser_name) names; /* inner scopes last */
	unsigned depth;
	size_t budget;            /* types that may still be made: aliases multiply */
	const char *scope;        /* the absolute path of what is being parsed: "event.fields." */
	const char *mapped_clock; /* the first one an integer is mapped to */
};

/* `name = value;` inside a block. */
struct attribute {
	char name[64];
	enum token_kind kind; /* TOKEN_NUMBER, TOKEN_TEXT, or TOKEN_NAME with the path in `text` */
	int64_t number;
	const char *text; /* also for numbers, as written */
};

/* ctf_attribute.c */

/* "line:column: wanted WHAT, not 'token'". */
int parser_wrong(struct parser *p, const char *wanted);
int parser_no_memory(struct parser *p);
int parser_expect(struct parser *p, int symbol);
bool parser_accept(struct parser *p, int symbol);

/* "a.b.c", each part without LTTng's underscore. */
int parser_path(struct parser *p, const char **ret);
const char *parser_copy(struct parser *p, const char *start, size_t bytes);

/* After the name: the value and the semicolon. */
int parser_attribute_value(struct parser *p, struct attribute *ret);
/* The name, up to the '=' or ':='. */
int parser_attribute_name(struct parser *p, struct attribute *ret);
int parser_attribute(struct parser *p, struct attribute *ret);

/* ctf_names.c */
int parser_type_create(struct parser *p, enum type_kind kind, uint32_t align_bits,
		       struct type **ret);
int parser_type_clone(struct parser *p, const struct type *t, struct type **ret);
int parser_name_add(struct parser *p, enum parser_name_kind kind, const char *name, struct type *t);
/* A copy of the type with this name. */
int parser_name_use(struct parser *p, enum parser_name_kind kind, const char *name,
		    struct type **ret);
/* "unsigned long": as many words as belong to a type; `declarator`: a field's name follows. */
int parser_words(struct parser *p, bool declarator, const char **ret);
/* "struct NAME", "struct {", "enum NAME : …": the name, NULL without one. */
int parser_tag(struct parser *p, const char **ret);

/* ctf_scalar.c: from behind the keyword. */
int parser_integer(struct parser *p, struct type **ret);
int parser_real(struct parser *p, struct type **ret);
int parser_string(struct parser *p, struct type **ret);
int parser_enum(struct parser *p, struct type **ret);
int attribute_align(struct parser *p, const struct attribute *a, uint32_t *ret);

/* ctf_type.c: any type; "typealias … ;"; "typedef … ;". */
int parser_type(struct parser *p, bool declarator, struct type **ret);
int parser_typealias(struct parser *p);
int parser_typedef(struct parser *p);

#endif
