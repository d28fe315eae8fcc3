/* SPDX-License-Identifier: MIT */
/*
 * The rows of an object's line tables as one map from address to line.
 *
 * A compiler writes several rows for one address: the last one counts. Neighbours that say the
 * same are one row, and where a sequence ends a row says that there is no line.
 */
#ifndef CAIRN_LINEINFO_LINE_ROWS_H
#define CAIRN_LINEINFO_LINE_ROWS_H

#include "lineinfo/line_object.h"
#include "util/array.h"
#include "util/map.h"

#include <stdint.h>

#define LINE_NO_FILE 0xffffffffu

struct line_row {
	uint64_t address;
	uint32_t file; /* in line_files, or LINE_NO_FILE */
	uint32_t line;
	uint32_t chain; /* in line_chains; 0: in no inlined function */
};

/* The names of all objects' source files, each once. */
struct line_files {
	ARRAY(char *) names;   /* absolute where the compiler said so; without "." and ".." */
	ARRAY(uint32_t) units; /* compilation units that name it */
	struct map by_hash;
};

struct line_rows {
	ARRAY(struct line_row) rows; /* by address */
	uint64_t raw_count;          /* rows as the compiler wrote them, sequence ends left out */
};

/* Adds the object's rows, in its own addresses. */
int line_rows_read(struct line_rows *ret, struct line_files *files, struct line_object *object,
		   struct err *e);

/* The same for names that are no paths. */
uint32_t line_names_put(struct line_files *f, const char *name);
void line_rows_deinit(struct line_rows *r);
void line_files_deinit(struct line_files *f);

/* The number of a name, which is copied and normalized when it is new; LINE_NO_FILE: no memory. */
uint32_t line_files_put(struct line_files *f, const char *name);

/* What holds at an address; NULL before the first row. */
const struct line_row *line_rows_find(const struct line_rows *r, uint64_t address);

#endif
