/* SPDX-License-Identifier: MIT */
/* Any bytes as a line table whose check sum is right: every look-up ends and stays inside. */
#include "lines/lines_table.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static volatile size_t used;

static void ask(const struct lines_table *t, const struct lines_region *region)
{
	struct lines_answer answer;
	struct lines_symbol symbol;
	struct lines_walk walk;
	struct lines_chain chain;
	char name[LINES_NAME_ROOM];
	uint64_t step = region->bytes / 64 + 1;
	for (uint64_t i = 0; i < 64; i++) {
		uint64_t address = region->address + i * step;
		if (lines_find(t, region, address, &answer)) {
			if (address < answer.start || address >= answer.end)
				abort();
			if (i < 4)
				used += lines_file_name(t, answer.site.file, name);
		}
		if (lines_chain_find(t, region, address, &walk, &chain) &&
		    chain.depth > LINES_DEPTH_MAX)
			abort();
		if (lines_symbol_find(t, region, address, &symbol) && i < 4)
			used += lines_function_name(t, symbol.function, name);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct lines_table t;
	struct lines_region region;
	struct lines_header h;
	if (bytes < sizeof(h))
		return 0;
	uint8_t *copy = malloc(bytes);
	if (!copy)
		return 0;
	memcpy(copy, data, bytes);
	memcpy(&h, copy, sizeof(h));
	h.bytes = (uint32_t)bytes;
	h.sum = lines_sum_more(bytes, copy, bytes, 0);
	memcpy(copy, &h, sizeof(h));
	h.sum = lines_sum_more(bytes, copy, bytes, 0);
	memcpy(copy, &h, sizeof(h));
	if (!lines_open(&t, copy, bytes))
		for (uint32_t i = 0; i < 8 && lines_region_at(&t, i, &region); i++)
			ask(&t, &region);
	free(copy);
	return 0;
}
