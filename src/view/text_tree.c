/* SPDX-License-Identifier: MIT */
#include "view/text_tree.h"
#include "util/utf8.h"
#include "view/words_tally.h"

#include <string.h>

enum { DURATION_COLUMNS = 7 };

static void print_duration(struct text *line, unsigned columns, uint64_t ns)
{
	struct unit took = unit_ns(ns);
	int padding = DURATION_COLUMNS - (int)utf8_width(took.text, strlen(took.text));
	text_print(line, "%*s%s  ", (int)columns + (padding > 0 ? padding : 0), "", took.text);
}

static void print_line(struct page *p, const struct tally *line, unsigned columns)
{
	struct text text = {0};
	print_duration(&text, columns, line->total_ns);
	words_tally(&p->scene, line, &text);
	if (line->count > 1 && line->key.kind == SEGMENT_BLOCKED)
		text_print(&text, "; %s times, longest %s", unit_count(line->count).text,
			   unit_ns(line->longest_ns).text);
	page_line(p, "%s", text.data);
	text_deinit(&text);
}

static void print_rest(struct page *p, uint64_t ns, size_t count, unsigned columns)
{
	struct text text = {0};
	print_duration(&text, columns, ns);
	page_line(p, "%sin %zu smaller part%s", text.data, count, count == 1 ? "" : "s");
	text_deinit(&text);
}

static void print_level(struct page *p, const struct tally *parent, unsigned columns,
			unsigned depth, const struct tree_limits *limits)
{
	size_t rows = depth ? limits->rows_below : limits->rows, told = 0, left = 0;
	uint64_t left_ns = 0;
	if (depth == limits->depth || depth == TREE_DEPTH_MAX)
		return;
	for (const struct tally *line = parent->children; line; line = line->next) {
		if (told == rows || line->total_ns < limits->least_ns) {
			left_ns += line->total_ns;
			left++;
			continue;
		}
		print_line(p, line, columns);
		print_level(p, line, columns + 2, depth + 1, limits);
		told++;
	}
	if (left && left_ns >= limits->least_ns)
		print_rest(p, left_ns, left, columns);
}

void page_tree(struct page *p, const struct tally *parent, unsigned columns,
	       const struct tree_limits *limits)
{
	print_level(p, parent, columns, 0, limits);
}
