/* SPDX-License-Identifier: MIT */
/*
 * A line table on the disk, asked for many addresses at once.
 *
 * The file is a table, or a program that carries one in its section LINE_SECTION.
 */
#ifndef CAIRN_LINEINFO_LINE_READER_H
#define CAIRN_LINEINFO_LINE_READER_H

#include "lines/lines_table.h"
#include "util/err.h"

#include <stddef.h>

#define LINE_SECTION ".cairn_lines"

struct line_reader {
	struct lines_table table;
	void *map;
	size_t map_bytes;
	char **files;        /* names that were asked for, by number */
	uint32_t *symbol_of; /* by function: its first symbol + 1 in `next_symbol`'s chain */
	uint32_t *next_symbol;
};

/* What kind of address is asked about: for which a profile is exact differs. */
enum line_asked {
	LINE_ASKED_ANY,
	LINE_ASKED_RETURN, /* what a call returns to; its last byte is looked up */
	LINE_ASKED_FAULT,  /* an instruction that could not read or write, or a trap */
};

struct line_question {
	uint32_t region;
	enum line_asked asked;
	uint64_t address;       /* as in the region */
	struct lines_site site; /* the answer; LINES_NO_FILE when there is none */
	bool is_exact;
};

int line_reader_open(struct line_reader *ret, const char *path, struct err *e);
void line_reader_close(struct line_reader *r);

/* Answers them all, in an order of its own: each block is read once. -ENOMEM, or 0. */
int line_reader_ask(struct line_reader *r, struct line_question *questions, size_t count);

/* The name of a file, kept; NULL when there is none, or no memory. */
const char *line_reader_file(struct line_reader *r, uint32_t file);

/* The region of an address of the first object that is no module; false when there is none. */
bool line_reader_region(const struct line_reader *r, uint64_t address, uint32_t *region_ret);

/* The object of that name; false when there is none. */
bool line_reader_object(const struct line_reader *r, const char *name, uint32_t *ret);

/* The number of a function's name; false when it has none in the table. */
bool line_reader_function(const struct line_reader *r, const char *name, uint32_t *ret);

/*
 * The next symbol of a function behind *symbol, which begins as 0 and is a number + 1; with its
 * region. False after the last.
 */
bool line_reader_next_symbol(struct line_reader *r, uint32_t function, uint32_t *symbol,
			     struct lines_symbol *ret, uint32_t *region_ret);

#endif
