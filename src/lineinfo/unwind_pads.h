/* SPDX-License-Identifier: MIT */
/*
 * Landing pads: where an exception goes on in the function it passes through. Read from the table
 * in .gcc_except_table that an entry of .eh_frame names.
 */
#ifndef CAIRN_LINEINFO_UNWIND_PADS_H
#define CAIRN_LINEINFO_UNWIND_PADS_H

#include "lineinfo/unwind_cfi.h"

struct cfi_pads {
	struct cursor sites;
	uint64_t from;
	uint8_t encoding;
};

/* `data` is what lies at the entry's table. False when the table is not understood. */
bool cfi_pads_open(struct cfi_pads *p, const struct cfi_entry *entry, const uint8_t *data,
		   size_t bytes);

/* 1, 0 at the end, or -EINVAL. A pad may occur twice. */
int cfi_pads_next(struct cfi_pads *p, uint64_t *ret);

#endif
