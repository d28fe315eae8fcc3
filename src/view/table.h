/* SPDX-License-Identifier: MIT */
/*
 * A table for a terminal: columns as wide as their widest cell, cut with "…" where the page is
 * too narrow. Widths are those of the characters, not of their bytes.
 *
 * Cells are given row by row. A column without a filled cell is left out, its title too.
 */
#ifndef CAIRN_VIEW_TABLE_H
#define CAIRN_VIEW_TABLE_H

#include "util/array.h"
#include "util/text.h"

enum { TABLE_COLUMNS_MAX = 12 };

struct table_column {
	const char *title;
	bool right;   /* aligned: for numbers */
	unsigned min; /* how narrow it may become; 0: never cut */
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	struct text cells;  /* one after the other */
	ARRAY(size_t) ends; /* of each cell, in `cells` */
};

/* `columns` outlives the table. */
void table_init(struct table *t, const struct table_column *columns, size_t column_count);
void table_deinit(struct table *t);

/* The next cell; "" leaves it empty. */
void table_cell(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* `bold` paints the titles. Lines have no blanks at their ends. */
void table_print(const struct table *t, struct text *out, unsigned width, bool bold);

/* A sentence: where it is too long it goes on below, further in than it began. */
void line_print(struct text *out, unsigned width, const char *line);

#endif
