/* SPDX-License-Identifier: MIT */
/* The public face of a table in memory. */
#include <cairn/lines.h>
#include "lines/lines_table.h"

#include <string.h>

#define PUBLIC __attribute__((visibility("default")))

_Static_assert(sizeof(struct lines_table) <= sizeof(struct cairn_lines),
	       "the table fits its place");
_Static_assert((int)CAIRN_LINES_NAME_BYTES == (int)LINES_NAME_ROOM, "a name fits its place");

PUBLIC int cairn_lines_open(struct cairn_lines *lines, const void *table, size_t bytes)
{
	struct lines_table t;
	int failed = lines_open(&t, table, bytes);
	if (!failed)
		memcpy(lines, &t, sizeof(t));
	return failed;
}

/* The function that was inlined at this level, or the one around all. */
static void name_function(const struct lines_table *t, const struct lines_region *region,
			  uint64_t address, const struct lines_chain *chain, unsigned level,
			  char *ret)
{
	struct lines_symbol symbol;
	uint32_t function = LINES_NO_FILE;
	if (level < chain->depth)
		function = chain->calls[chain->depth - 1 - level].function;
	else if (lines_symbol_find(t, region, address, &symbol))
		function = symbol.function;
	if (!lines_function_name(t, function, ret))
		ret[0] = 0;
}

PUBLIC int cairn_lines_find(const struct cairn_lines *lines, uint64_t address, int is_return,
			    unsigned level, struct cairn_line *ret)
{
	struct lines_table t;
	struct lines_region region;
	struct lines_answer answer;
	struct lines_chain chain;
	struct lines_walk walk;
	uint64_t asked = address - (is_return ? 1 : 0);
	memcpy(&t, lines, sizeof(t));
	ret->file[0] = ret->function[0] = 0;
	if (!lines_region_find(&t, 0, asked, &region))
		return 0;
	lines_chain_find(&t, &region, asked, &walk, &chain);
	if (level > chain.depth)
		return 0;
	name_function(&t, &region, asked, &chain, level, ret->function);
	if (!lines_find(&t, &region, asked, &answer))
		return 0;
	if (level)
		answer.site = chain.calls[chain.depth - level].from;
	if (!lines_file_name(&t, answer.site.file, ret->file))
		return 0;
	ret->line = answer.site.line;
	ret->is_exact = is_return || t.header.profile == LINES_BYTE;
	return 1;
}
