/* SPDX-License-Identifier: MIT */
/*
 * What a person types to name places and what to see there:
 *
 *	PLACE [if CONDITION] [: [NAME =] EXPRESSION, …]
 *
 *	PLACE       [MODULE:]FUNC  FUNC+OFFSET  FUNC%return  FUNC%epilogue  FILE.c:LINE
 *	            FUNC may have * and ?; of C++ and Rust it is "shop::cart::add"
 *	EXPRESSION  order->items[2].price, *p, &x, total * 100 / count, state == OPEN
 *	            $arg1 … $arg6, $ret, %rdi   by the calling convention, without types
 *	            x@entry                     what x was when the function was entered
 *	            str(p)                      the text at p; what is char * is one anyway
 *	CONDITION   an expression; of texts also name == "lock" and name ~ "lock*"
 *
 * The place ends at a blank, or at a colon with a blank behind it. Operators bind as in C, "~" as
 * "==" does.
 */
#ifndef CAIRN_PROBE_PROBE_SPEC_H
#define CAIRN_PROBE_PROBE_SPEC_H

#include "util/arena.h"
#include "util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROBE_NODES_MAX = 128,
	PROBE_FIELDS_MAX = 32,
	PROBE_DEPTH_MAX = 32,    /* of parentheses, signs and members */
	PROBE_NONE = UINT32_MAX, /* instead of a node */
};

enum probe_kind {
	PROBE_ENTRY,
	PROBE_OFFSET,
	PROBE_RETURN,
	PROBE_EPILOGUE,
	PROBE_LINE,
};

enum probe_op {
	PROBE_NUMBER,
	PROBE_TEXT,     /* a literal */
	PROBE_NAME,     /* a variable, or an enumeration's label beside one */
	PROBE_ARGUMENT, /* value: 1 to 6 */
	PROBE_RESULT,
	PROBE_REGISTER, /* value: as DWARF numbers them */
	PROBE_AT_ENTRY, /* of left */
	PROBE_STRING,   /* the text at left */
	PROBE_MEMBER,   /* left.name */
	PROBE_ARROW,    /* left->name */
	PROBE_INDEX,    /* left[right] */
	PROBE_DEREF,
	PROBE_ADDRESS,
	PROBE_NEGATE,
	PROBE_INVERT,
	PROBE_NOT,
	/* Of left and right: */
	PROBE_MULTIPLY,
	PROBE_DIVIDE,
	PROBE_MODULO,
	PROBE_ADD,
	PROBE_SUBTRACT,
	PROBE_SHIFT_LEFT,
	PROBE_SHIFT_RIGHT,
	PROBE_LT,
	PROBE_LE,
	PROBE_GT,
	PROBE_GE,
	PROBE_EQ,
	PROBE_NE,
	PROBE_MATCH,
	PROBE_BIT_AND,
	PROBE_BIT_XOR,
	PROBE_BIT_OR,
	PROBE_AND,
	PROBE_OR,
};

struct probe_node {
	enum probe_op op;
	uint32_t left, right; /* earlier nodes */
	int64_t value;
	const char *name; /* or the literal */
	unsigned column;  /* where it stands, from 1 */
};

struct probe_item {
	const char *name; /* a C identifier, different from the others' */
	const char *text; /* as typed */
	uint32_t root;
};

struct probe_spec {
	const char *text;   /* all of it */
	const char *place;  /* up to the condition */
	const char *module; /* a path, or the end of one; NULL: the program */
	enum probe_kind kind;
	const char *function; /* NULL of a line */
	uint64_t offset;
	const char *file;
	unsigned line;
	uint32_t condition; /* or PROBE_NONE */
	struct probe_item items[PROBE_FIELDS_MAX];
	unsigned item_count;
	struct probe_node nodes[PROBE_NODES_MAX];
	uint32_t node_count;
	struct arena *arena; /* of all the texts */
};

/* A sentence about the text says the column. */
int probe_spec_parse(const char *text, struct probe_spec **ret, struct err *e);
void probe_spec_destroy(struct probe_spec *s);

/* Nothing but a place. */
int probe_spec_parse_place(const char *text, struct probe_spec **ret, struct err *e);

/* As registers are typed, without the sign; -1 when it is none. */
int probe_register_number(const char *name);

#endif
