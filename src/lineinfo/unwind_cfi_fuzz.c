/* SPDX-License-Identifier: MIT */
/* Hostile .eh_frame: every reading ends, inside the section, with rows in order; so do pads. */
#include "lineinfo/unwind_pads.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct check {
	uint64_t next, end;
};

static int check_row(void *context, uint64_t address, struct unwind_rule rule)
{
	struct check *check = context;

	if (address < check->next || address >= check->end || rule.cfa > UNWIND_CFA_END ||
	    rule.bp > UNWIND_BP_AT_BP)
		abort();
	check->next = address + 1;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint8_t *copy = malloc(bytes);
	struct cfi cfi = {.data = copy, .bytes = bytes, .address = 0x1000};
	struct cfi_entry entry;
	struct cfi_pads pads;
	uint64_t pad;

	if (bytes)
		memcpy(copy, data, bytes);
	for (size_t at = 0; cfi_next(&cfi, &at, &entry);) {
		struct check all = {entry.start, entry.end};
		struct check half = {entry.start + (entry.end - entry.start) / 2, entry.end};
		cfi_rows(&cfi, &entry, entry.start, check_row, &all);
		cfi_rows(&cfi, &entry, half.next, check_row, &half);
		if (cfi_pads_open(&pads, &entry, copy, bytes))
			while (cfi_pads_next(&pads, &pad) > 0)
				;
	}
	free(copy);
	return 0;
}
