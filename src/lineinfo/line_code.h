/* SPDX-License-Identifier: MIT */
/* From a plan to its coded parts: the model that suits it, and the streams written with that. */
#ifndef CAIRN_LINEINFO_LINE_CODE_H
#define CAIRN_LINEINFO_LINE_CODE_H

#include "lineinfo/line_plan.h"

struct line_bytes {
	ARRAY(uint8_t) data;
};

/* Names in the order of their numbers. */
struct line_names {
	ARRAY(const char *) items;
};

struct line_parts {
	struct line_bytes model, supers, blocks, rows;
	struct line_bytes file_groups, files;
	struct line_bytes function_groups, functions;
	struct line_bytes chain_supers, chain_blocks, chains;
	unsigned slot_bits;
};

void line_parts_deinit(struct line_parts *parts);

/* Fills the parts, and in the plan's regions where their supers are. */
int line_code(struct line_plan *p, const struct line_names *files,
	      const struct line_names *functions, struct line_parts *ret, struct err *e);

#endif
