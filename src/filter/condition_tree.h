/* SPDX-License-Identifier: MIT */
/* Between the parser, the compiler and the printer of conditions. */
#ifndef CAIRN_FILTER_CONDITION_TREE_H
#define CAIRN_FILTER_CONDITION_TREE_H

#include "filter/condition.h"

enum {
	CONDITION_NODES_MAX = 80, /* three instructions each fit a program */
	CONDITION_DEPTH_MAX = 16, /* of parentheses and '!' */
	CONDITION_NAME_BYTES = 64,
};

enum condition_op {
	CONDITION_AND,
	CONDITION_OR,
	CONDITION_NOT,
	/* Comparisons; the parser's table of them is in this order. */
	CONDITION_EQ,
	CONDITION_NE,
	CONDITION_LE,
	CONDITION_LT,
	CONDITION_GE,
	CONDITION_GT,
	CONDITION_BITS, /* & */
	CONDITION_MATCH,
};

struct condition_node {
	enum condition_op op;
	uint32_t left, right; /* of AND and OR; of NOT, left: earlier nodes */
	/* Of a comparison: */
	char name[CONDITION_NAME_BYTES];
	struct condition_field field; /* without its name, which is the caller's */
	int64_t value;                /* extended as the field is */
	uint32_t pool_at, pool_bytes; /* a text */
};

/* The nodes stand in the order they are computed in; the last one is the condition. */
struct condition {
	struct condition_node nodes[CONDITION_NODES_MAX];
	uint32_t node_count;
	struct prog_insn insns[PROG_INSNS_MAX];
	uint8_t pool[PROG_POOL_BYTES_MAX];
	struct prog prog;
};

extern const char *const condition_signs[]; /* by enum condition_op, from CONDITION_EQ on */

int condition_parse(struct condition *c, const char *text, const char *event,
		    const struct condition_field *fields, size_t field_count, struct err *e);
void condition_compile(struct condition *c);

#endif
