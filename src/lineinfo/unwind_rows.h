/* SPDX-License-Identifier: MIT */
/* An ELF file's call frame information as plain rows: from this address on, this rule. */
#ifndef CAIRN_LINEINFO_UNWIND_ROWS_H
#define CAIRN_LINEINFO_UNWIND_ROWS_H

#include "unwind/unwind_abi.h"
#include "util/array.h"
#include "util/err.h"

#include <libelf.h>

struct unwind_rule_row {
	uint64_t address;
	struct unwind_rule rule;
};

struct unwind_rows {
	ARRAY(struct unwind_rule_row) rows;
};

/*
 * All rows of .eh_frame, sorted, each different from the one before it. Text that no entry
 * covers has the rule UNWIND_CFA_UNKNOWN, but for holes a linker leaves between functions; so
 * has the text before the first entry, from a multiple of UNWIND_PAGE_BYTES_MAX on.
 * −ENODATA when the file has no usable entry.
 */
int unwind_rows_read(struct unwind_rows *rows, Elf *elf, const char *name, struct err *e);
void unwind_rows_deinit(struct unwind_rows *rows);

#endif
