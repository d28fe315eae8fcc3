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

PUBLIC int cairn_lines_find(const struct cairn_lines *lines, uint64_t address, int is_return,
			    struct cairn_line *ret)
{
	struct lines_table t;
	struct lines_region region;
	struct lines_answer answer;
	struct lines_symbol symbol;
	uint64_t asked = address - (is_return ? 1 : 0);
	memcpy(&t, lines, sizeof(t));
	ret->file[0] = ret->function[0] = 0;
	if (!lines_region_find(&t, 0, asked, &region))
		return 0;
	if (lines_symbol_find(&t, &region, asked, &symbol) &&
	    !lines_function_name(&t, symbol.function, ret->function))
		ret->function[0] = 0;
	if (!lines_find(&t, &region, asked, &answer) ||
	    !lines_file_name(&t, answer.site.file, ret->file))
		return 0;
	ret->line = answer.site.line;
	ret->is_exact = is_return || t.header.profile == LINES_BYTE;
	return 1;
}
