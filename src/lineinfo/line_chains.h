/* SPDX-License-Identifier: MIT */
/*
 * Which inlined functions code lies in, of all objects of a table.
 *
 * A chain is a call inside another chain; equal ones have one number. Number 0 is no chain.
 */
#ifndef CAIRN_LINEINFO_LINE_CHAINS_H
#define CAIRN_LINEINFO_LINE_CHAINS_H

#include "lineinfo/line_rows.h"

struct line_chain {
	uint32_t outer;    /* the chain it is inside of */
	uint32_t function; /* in the chains' names */
	uint32_t file;     /* where it was called */
	uint32_t line;
	uint32_t depth;
};

struct line_chains {
	ARRAY(struct line_chain) chains; /* [0] is none */
	struct map by_hash;
	struct line_files names;
};

/*
 * Reads the object's inlined functions and splits its rows where they begin and end, so that every
 * row has one chain.
 */
int line_chains_read(struct line_chains *c, struct line_rows *rows, struct line_files *files,
		     struct line_object *object, struct err *e);
void line_chains_deinit(struct line_chains *c);

#endif
