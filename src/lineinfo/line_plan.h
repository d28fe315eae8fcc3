/* SPDX-License-Identifier: MIT */
/*
 * What goes into a table, collected from one object after the other, before any of it is coded.
 */
#ifndef CAIRN_LINEINFO_LINE_PLAN_H
#define CAIRN_LINEINFO_LINE_PLAN_H

#include "lineinfo/line_chains.h"
#include "lineinfo/line_rows.h"
#include "lines/lines_abi.h"

/* Rows [first, first + count) of a region, told in one stream. */
struct line_block {
	size_t first;
	uint32_t count;
};

struct line_region {
	struct lines_region record;
	size_t first_row, row_count;
	size_t first_block, block_count;
};

struct line_function {
	char *name;
	struct lines_symbol record;
	uint32_t region;
};

struct line_plan {
	enum lines_profile profile;
	uint32_t block_rows;
	bool with_functions;
	bool with_chains;
	struct line_chains chains; /* once finished, files and functions are the table's */
	struct line_files files;
	ARRAY(uint32_t) file_order; /* the table's files, as numbers in `files` */
	uint32_t hot_files;
	ARRAY(struct lines_object) objects;
	ARRAY(struct line_region) regions;
	ARRAY(struct line_row) rows;
	ARRAY(struct line_block) blocks;
	ARRAY(struct line_function) functions; /* by region and address */
	ARRAY(char) words;
	uint64_t raw_rows;
	uint64_t exact_rows; /* before the profile */
};

void line_plan_deinit(struct line_plan *p);

/* Adds an object file. */
int line_plan_add(struct line_plan *p, const char *path, struct err *e);

/* Numbers the files that have rows, in `file_order` and in the rows. */
int line_files_order(struct line_plan *p);

/* When all are in: numbers the files, cuts the rows into blocks. */
int line_plan_finish(struct line_plan *p, struct err *e);

#endif
