/* SPDX-License-Identifier: MIT */
/* Types of values as the debug information of C, C++ and Rust describes them. */
#ifndef CAIRN_DWARF_DWARF_TYPE_H
#define CAIRN_DWARF_DWARF_TYPE_H

#include "dwarf/dwarf_file.h"
#include "util/text.h"

enum dwarf_kind {
	DWARF_VOID,
	DWARF_INTEGER,
	DWARF_BOOL,
	DWARF_CHARACTER, /* one byte */
	DWARF_REAL,      /* float, double; wider ones are DWARF_OTHER */
	DWARF_ENUM,
	DWARF_POINTER, /* and references */
	DWARF_STRUCT,  /* and unions, classes */
	DWARF_ARRAY,
	DWARF_FUNCTION,
	DWARF_OTHER,
};

/* Typedefs and qualifiers are seen through; the name keeps them. */
struct dwarf_type {
	enum dwarf_kind kind;
	bool is_signed;
	uint64_t bytes; /* 0: not known */
	uint64_t count; /* of an array's elements; 0: not known */
	Dwarf_Die die;
	Dwarf_Die spelled;  /* with typedefs */
	unsigned dimension; /* of an array: how many of its dimensions are behind us */
};

struct dwarf_member {
	struct dwarf_type type;
	uint64_t offset; /* in bytes; of a bit field: where its first byte is */
	uint32_t bits;   /* of a bit field; else 0 */
	uint32_t bit_at; /* the lowest one, in the little-endian number at `offset` */
};

/* The type an entry says it has: a variable, a member, a function's result. Without one: void. */
void dwarf_type_of(struct dwarf_file *f, Dwarf_Die *die, struct dwarf_type *ret);

/* What a pointer leads to, or an array is made of. */
bool dwarf_type_target(struct dwarf_file *f, const struct dwarf_type *t, struct dwarf_type *ret);

/* A member by name, of anonymous ones and of bases too. */
bool dwarf_type_member(struct dwarf_file *f, const struct dwarf_type *t, const char *name,
		       struct dwarf_member *ret);

/* Members by place; `*cursor` begins zeroed. False at the end. */
struct dwarf_member_cursor {
	Dwarf_Die die;
	bool has_begun;
};
bool dwarf_type_member_next(struct dwarf_file *f, const struct dwarf_type *t,
			    struct dwarf_member_cursor *cursor, const char **name_ret,
			    struct dwarf_member *ret);

/* An enumeration's value by its name, and the other way by walking: false at the end. */
bool dwarf_type_label(const struct dwarf_type *t, const char *name, int64_t *ret);
bool dwarf_type_label_next(const struct dwarf_type *t, Dwarf_Die *cursor, const char **name_ret,
			   int64_t *value_ret);

/* "const struct conn *", as C would write it, without the name in the middle. */
void dwarf_type_print(struct dwarf_file *f, const struct dwarf_type *t, struct text *out);

#endif
