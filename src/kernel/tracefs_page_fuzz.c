/* SPDX-License-Identifier: MIT */
/* Any bytes as a page: every record given lies inside it, and the walk ends. */
#include "kernel/tracefs_page.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tracefs_page page;
	struct tracefs_record record;
	size_t records = 0;
	if (tracefs_page_open(&page, data, size))
		return 0;
	while (tracefs_page_next(&page, &record) == 1) {
		const uint8_t *start = record.data;
		if (start < data || start + record.bytes > data + size || ++records > size)
			abort();
	}
	return 0;
}
