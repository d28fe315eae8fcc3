/* SPDX-License-Identifier: MIT */
/*
 * The numbers of source files in a table.
 *
 * Files that several units name (headers) come first, the most used before: what is known of them
 * is worth a weight. A number is coded by its highest bit and the rest; so among those of one
 * highest bit the order is free, and they are sorted by name, which names are coded by.
 */
#include "lineinfo/line_plan.h"

#include <stdlib.h>
#include <string.h>

enum { HOT_FILES_MAX = 511 };

struct ranked {
	uint32_t file;
	uint32_t rows;
	bool is_shared;
	const char *name;
};

static int heat_order(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	if (a->is_shared != b->is_shared)
		return a->is_shared ? -1 : 1;
	if (a->rows != b->rows && a->is_shared)
		return a->rows > b->rows ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int name_order(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	return strcmp(a->name, b->name);
}

static void rank(struct line_plan *p, struct ranked *files, size_t count)
{
	size_t hot = 0;
	qsort(files, count, sizeof(*files), heat_order);
	while (hot < count && hot < HOT_FILES_MAX && files[hot].is_shared)
		hot++;
	p->hot_files = (uint32_t)hot;
	for (size_t first = 0; first < hot; first = 2 * first + 1) {
		size_t end = 2 * first + 1 < hot ? 2 * first + 1 : hot;
		qsort(files + first, end - first, sizeof(*files), name_order);
	}
	qsort(files + hot, count - hot, sizeof(*files), name_order);
}

int line_files_order(struct line_plan *p)
{
	size_t count = 0, all = p->files.names.count;
	struct ranked *files = calloc(all + 1, sizeof(*files));
	uint32_t *rows = calloc(all + 1, sizeof(*rows)), *number = calloc(all + 1, sizeof(*number));
	int failed = !files || !rows || !number ? -ENOMEM : 0;
	array_each(row, &p->rows)
		if (!failed && row->file != LINE_NO_FILE)
			rows[row->file]++;
	array_each(chain, &p->chains.chains)
		if (!failed && chain->depth && !rows[chain->file])
			rows[chain->file] = 1;
	for (uint32_t i = 0; !failed && i < all; i++)
		if (rows[i])
			files[count++] = (struct ranked){i, rows[i], p->files.units.items[i] > 1,
							 p->files.names.items[i]};
	if (!failed)
		rank(p, files, count);
	for (uint32_t i = 0; !failed && i < count; i++) {
		number[files[i].file] = i;
		failed = array_push(&p->file_order, files[i].file);
	}
	array_each(row, &p->rows)
		if (!failed && row->file != LINE_NO_FILE)
			row->file = number[row->file];
	array_each(chain, &p->chains.chains)
		if (!failed && chain->depth)
			chain->file = number[chain->file];
	free(files);
	free(rows);
	free(number);
	return failed;
}
