/* SPDX-License-Identifier: MIT */
/* A tally as an indented tree, each line with its time. */
#ifndef CAIRN_VIEW_TEXT_TREE_H
#define CAIRN_VIEW_TEXT_TREE_H

#include "analysis/tally.h"
#include "view/text_page.h"

enum { TREE_DEPTH_MAX = 10 };

struct tree_limits {
	size_t rows, rows_below; /* of the outermost level, of each below */
	uint64_t least_ns;       /* lines with less are only summed up */
	unsigned depth;          /* levels; at most TREE_DEPTH_MAX */
};

/* The children of `parent`, `columns` from the left. */
void page_tree(struct page *p, const struct tally *parent, unsigned columns,
	       const struct tree_limits *limits);

#endif
