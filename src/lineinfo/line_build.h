/* SPDX-License-Identifier: MIT */
/* Builds a line table (lines/lines_abi.h) of object files, by their debug information. */
#ifndef CAIRN_LINEINFO_LINE_BUILD_H
#define CAIRN_LINEINFO_LINE_BUILD_H

#include "lines/lines_abi.h"
#include "util/err.h"

#include <stdbool.h>
#include <stddef.h>

struct line_options {
	enum lines_profile profile;
	unsigned block_rows; /* 64, 128, 256 */
	bool without_functions;
	bool with_chains;
};

/* What was built, for whoever tells it. */
struct line_counts {
	uint64_t raw_rows;   /* as compilers wrote them */
	uint64_t exact_rows; /* of the map they stand for */
	uint64_t rows;       /* in the table */
};

/* `*data_ret` is the caller's, to be freed. */
int line_build(const char *const *paths, size_t count, const struct line_options *options,
	       void **data_ret, size_t *bytes_ret, struct line_counts *counts_ret, struct err *e);

#endif
