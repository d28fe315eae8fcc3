/* SPDX-License-Identifier: MIT */
/*
 * A line table in memory, asked: no allocation, no locks, no recursion, less than 1 KiB of stack.
 *
 * Nothing is trusted after lines_open() either: a table that changes under the reader gives wrong
 * or no answers, but every read stays inside it and every search ends.
 */
#ifndef CAIRN_LINES_LINES_TABLE_H
#define CAIRN_LINES_LINES_TABLE_H

#include "lines/lines_decoder.h"
#include "lines/lines_chain.h"
#include "lines/lines_row.h"

enum {
	LINES_DAMAGED = -74, /* −EBADMSG */
	LINES_NAME_ROOM = LINES_NAME_MAX + 1,
};

struct lines_table {
	const uint8_t *data;
	struct lines_header header;
};

/* A stretch of code of one line. */
struct lines_answer {
	struct lines_site site;
	uint64_t start, end; /* addresses as in the region */
};

/* Walks the rows of one block. */
struct lines_walk {
	struct lines_coder coder;
	struct lines_rows rows;
	struct lines_step step;
	uint64_t next;  /* where the row after the present one begins */
	uint64_t end;   /* of the block */
	uint32_t left;  /* rows behind the present one */
	uint32_t block; /* its number */
};

/* `data` must stay; LINES_DAMAGED when it is no whole table of this version. */
int lines_open(struct lines_table *t, const void *data, uint64_t bytes);

/*
 * The check sum of a table, which begins as its number of bytes and goes on with the next bytes,
 * those from `at` on: a multiple of eight until the last. For lines_open_summed(), which does not
 * read the whole table.
 */
uint64_t lines_sum_more(uint64_t sum, const uint8_t *data, uint64_t bytes, uint64_t at);
int lines_open_summed(struct lines_table *t, const void *data, uint64_t bytes, uint64_t sum);

/* Record `index`, by part; false when there is none such. */
bool lines_object_at(const struct lines_table *t, uint32_t index, struct lines_object *ret);
bool lines_region_at(const struct lines_table *t, uint32_t index, struct lines_region *ret);
bool lines_symbol_at(const struct lines_table *t, uint32_t index, struct lines_symbol *ret);

/* A name of an object or section; "" when there is none. */
const char *lines_word(const struct lines_table *t, uint32_t offset);

/* The region of object `object` that holds an address. */
bool lines_region_find(const struct lines_table *t, uint32_t object, uint64_t address,
		       struct lines_region *ret);

/*
 * The row of an address; false where the table has none. Its `site.file` may be LINES_NO_FILE.
 */
bool lines_find(const struct lines_table *t, const struct lines_region *region, uint64_t address,
		struct lines_answer *ret);

/* The block around an address, for whoever asks for many; then lines_walk_next() until false. */
bool lines_walk_begin(const struct lines_table *t, const struct lines_region *region,
		      uint64_t address, struct lines_walk *w);
bool lines_walk_next(struct lines_walk *w, struct lines_answer *ret);

/*
 * The inlined functions around an address, `ret->calls`, outermost first; false when the table has
 * no chains or no row there. `w` is room to work in, for this needs more than a look-up.
 */
bool lines_chain_find(const struct lines_table *t, const struct lines_region *region,
		      uint64_t address, struct lines_walk *w, struct lines_chain *ret);

/* The symbol around an address. */
bool lines_symbol_find(const struct lines_table *t, const struct lines_region *region,
		       uint64_t address, struct lines_symbol *ret);

/*
 * The name of a file or function into `ret`, which has room for LINES_NAME_ROOM bytes; its length,
 * 0 when there is no such name.
 */
uint32_t lines_file_name(const struct lines_table *t, uint32_t file, char *ret);
uint32_t lines_function_name(const struct lines_table *t, uint32_t function, char *ret);

#endif
