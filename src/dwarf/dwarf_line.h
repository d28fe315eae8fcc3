/* SPDX-License-Identifier: MIT */
/* Lines of source as addresses: where statements begin. */
#ifndef CAIRN_DWARF_DWARF_LINE_H
#define CAIRN_DWARF_DWARF_LINE_H

#include "dwarf/dwarf_file.h"

struct dwarf_statement {
	uint64_t address;
	const char *file;
	unsigned line;
	Dwarf_Die function; /* the instance that the line belongs to; no address: none known */
};

struct dwarf_statements {
	ARRAY(struct dwarf_statement) items; /* by address */
	unsigned next_line;                  /* when there are none: the next line that has code */
	bool file_found;
};

/*
 * The places where a statement of `file:line` begins, the first one of each block; `file` is a
 * path or the end of one. Every inlined copy is a block. 0, or -ENOMEM.
 */
int dwarf_statements_find(struct dwarf_file *f, const char *file, unsigned line,
			  struct dwarf_statements *ret);
void dwarf_statements_deinit(struct dwarf_statements *s);

/* The line of an address, and the address where the statement behind its own begins. */
bool dwarf_line_at(struct dwarf_file *f, uint64_t address, const char **file_ret,
		   unsigned *line_ret);
uint64_t dwarf_statement_after(struct dwarf_file *f, uint64_t address);

#endif
