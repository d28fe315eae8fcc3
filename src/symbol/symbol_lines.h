/* SPDX-License-Identifier: MIT */
/* Places out of line tables: the one a program carries, the one made for the running kernel. */
#ifndef CAIRN_SYMBOL_SYMBOL_LINES_H
#define CAIRN_SYMBOL_SYMBOL_LINES_H

#include "dwarf/dwarf_place.h"
#include "lineinfo/line_reader.h"

enum { SYMBOL_LINES_MAX = LINES_DEPTH_MAX + 1 };

/* Room for what the places point to. */
struct symbol_lines_names {
	char functions[SYMBOL_LINES_MAX][LINES_NAME_ROOM];
};

/* The table that the program at `path` carries, if it was made for this build-id; or NULL. */
struct line_reader *symbol_lines_of_program(const char *path, const char *build_id);

/* Where the running kernel's table is looked for; its length, as snprintf() has it. */
int symbol_lines_kernel_path(char *ret, size_t room);

/*
 * The running kernel's table from there, or the one at `path`; NULL when there is none, or it is
 * of another build.
 */
struct line_reader *symbol_lines_of_kernel(const char *path);

void symbol_lines_destroy(struct line_reader *r);

/* As dwarf_places_find(), in the table's first object. */
size_t symbol_lines_find(struct line_reader *r, uint64_t address, struct dwarf_place *ret,
			 size_t max, struct symbol_lines_names *names);

/*
 * The line of a function of the kernel, if no two functions have that name. Only exact ones:
 * `is_return` as in symbol_find().
 */
bool symbol_lines_find_function(struct line_reader *r, const char *function, uint64_t offset,
				bool is_return, const char **file_ret, uint32_t *line_ret);

#endif
