/* SPDX-License-Identifier: MIT */
/* Numbers as people read them, with their units. */
#ifndef CAIRN_VIEW_UNIT_H
#define CAIRN_VIEW_UNIT_H

#include <stdint.h>

/* By value, so that one call can hold several: `unit_ns(x).text`. */
struct unit {
	char text[32];
};

struct unit unit_ns(uint64_t ns);       /* "840 ns", "1.2 µs", "412 ms", "1.20 s", "0" */
struct unit unit_count(uint64_t count); /* "41,208" */
struct unit unit_bytes(uint64_t bytes); /* "512 B", "128 kB", "1.2 MB" */

/* "0.4 %", "63 %", "<0.1 %"; "" of nothing. */
struct unit unit_share(uint64_t part, uint64_t whole);

#endif
