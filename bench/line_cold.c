/* SPDX-License-Identifier: MIT */
/* `line_cold TABLE`: µs of one look-up in the decoder, at random addresses of the first region. */
#include "lineinfo/line_reader.h"
#include "util/now.h"

#include <stdio.h>
#include <stdlib.h>

enum { LOOK_UPS = 20000 };

int main(int argc, char **argv)
{
	struct err e;
	struct line_reader reader;
	struct lines_region region;
	struct lines_answer answer;
	uint64_t seed = 1, found = 0;
	if (argc != 2 || line_reader_open(&reader, argv[1], &e)) {
		fprintf(stderr, "line_cold: %s\n", argc == 2 ? e.text : "needs a table");
		return 1;
	}
	lines_region_at(&reader.table, 0, &region);
	uint64_t start_ns = now_monotonic_ns();
	for (int i = 0; i < LOOK_UPS; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		uint64_t address = region.address + (seed >> 20) % region.bytes;
		found += lines_find(&reader.table, &region, address, &answer);
	}
	printf("%.3f %llu\n", (double)(now_monotonic_ns() - start_ns) / 1000 / LOOK_UPS,
	       (unsigned long long)found);
	line_reader_close(&reader);
	return 0;
}
