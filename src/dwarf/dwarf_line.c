/* SPDX-License-Identifier: MIT */
#include "dwarf/dwarf_line.h"

#include <stdlib.h>
#include <string.h>

/* "b/c.c" names "/a/b/c.c", and not "/a/bb/c.c". */
static bool is_path_end(const char *path, const char *end)
{
	size_t path_bytes = strlen(path), end_bytes = strlen(end);
	if (end_bytes > path_bytes || strcmp(path + path_bytes - end_bytes, end) != 0)
		return false;
	return path_bytes == end_bytes || end[0] == '/' || path[path_bytes - end_bytes - 1] == '/';
}

/* Where a file's rows begin, and which of them are statements. */
struct row {
	uint64_t address;
	const char *file;
	int line;
	bool is_statement;
};

static bool row_read(Dwarf_Lines *lines, size_t index, struct row *ret)
{
	Dwarf_Line *line = dwarf_onesrcline(lines, index);
	bool ends;
	return line && !dwarf_lineaddr(line, &ret->address) && !dwarf_lineno(line, &ret->line) &&
	       !dwarf_linebeginstatement(line, &ret->is_statement) &&
	       !dwarf_lineendsequence(line, &ends) && !ends &&
	       (ret->file = dwarf_linesrc(line, NULL, NULL));
}

/*
 * The instance that a line at an address belongs to: its own source has the line, the nearest
 * before it; an inlined call's first instruction is the caller's line as well.
 */
static void find_owner(struct dwarf_unit *unit, struct dwarf_statement *s,
		       struct dwarf_scopes *scopes, Dwarf_Die *block_ret)
{
	int best = -1, declared;
	dwarf_scopes_find(unit, s->address, scopes);
	for (size_t i = scopes->depth; i-- > 0;) {
		Dwarf_Die *scope = &scopes->chain[i];
		const char *file;
		if (!dwarf_is_function(dwarf_tag(scope)) || dwarf_decl_line(scope, &declared) ||
		    !(file = dwarf_decl_file(scope)) || strcmp(file, s->file) != 0 ||
		    declared > (int)s->line || declared <= best)
			continue;
		best = declared;
		s->function = *scope;
	}
	/* The innermost block of that function. */
	for (size_t i = 0; i < scopes->depth; i++) {
		if (scopes->chain[i].addr == s->function.addr)
			*block_ret = scopes->chain[i];
		else if (block_ret->addr && !dwarf_is_function(dwarf_tag(&scopes->chain[i])))
			*block_ret = scopes->chain[i];
		else if (block_ret->addr)
			break;
	}
}

struct block {
	uint64_t address;
	void *die;
};

struct search {
	struct dwarf_file *file;
	struct dwarf_statements *to;
	struct dwarf_scopes scopes;
	ARRAY(struct block) blocks; /* beside `to->items` */
};

/* Of several places in one block the first one counts. */
static int add_statement(struct search *s, struct dwarf_statement statement)
{
	Dwarf_Die block = {0};
	struct dwarf_unit *unit = dwarf_units_find(&s->file->units, statement.address);
	if (!unit)
		return 0;
	find_owner(unit, &statement, &s->scopes, &block);
	for (size_t i = 0; i < s->blocks.count; i++) {
		struct block *known = &s->blocks.items[i];
		bool is_same =
			block.addr ? known->die == block.addr : known->address == statement.address;
		if (!is_same)
			continue;
		if (statement.address < known->address) {
			known->address = statement.address;
			s->to->items.items[i] = statement;
		}
		return 0;
	}
	return array_push(&s->blocks, (struct block){statement.address, block.addr}) ||
			       array_push(&s->to->items, statement)
		       ? -ENOMEM
		       : 0;
}

static int search_unit(struct search *s, Dwarf_Die *unit, const char *file, unsigned line)
{
	Dwarf_Lines *lines;
	size_t count;
	struct row row;
	const char *last = NULL;
	bool is_file = false;
	int code = 0;
	if (dwarf_getsrclines(unit, &lines, &count))
		return 0;
	for (size_t i = 0; i < count && !code; i++) {
		if (!row_read(lines, i, &row) || !row.is_statement)
			continue;
		if (row.file != last)
			is_file = is_path_end(last = row.file, file);
		if (!is_file)
			continue;
		s->to->file_found = true;
		unsigned here = (unsigned)row.line;
		if (here == line)
			code = add_statement(
				s, (struct dwarf_statement){row.address, row.file, line, {0}});
		else if (here > line && (!s->to->next_line || here < s->to->next_line))
			s->to->next_line = here;
	}
	return code;
}

static int statement_order(const void *left, const void *right)
{
	const struct dwarf_statement *a = left, *b = right;
	return a->address < b->address ? -1 : a->address > b->address;
}

int dwarf_statements_find(struct dwarf_file *f, const char *file, unsigned line,
			  struct dwarf_statements *ret)
{
	struct search search = {.file = f, .to = ret};
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	int code = 0;
	*ret = (struct dwarf_statements){0};
	while (!code && dwarf_get_units(f->dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0)
		code = search_unit(&search, &die, file, line);
	array_free(&search.blocks);
	if (code)
		dwarf_statements_deinit(ret);
	else if (ret->items.count)
		qsort(ret->items.items, ret->items.count, sizeof(*ret->items.items),
		      statement_order);
	return code;
}

void dwarf_statements_deinit(struct dwarf_statements *s)
{
	array_free(&s->items);
}

bool dwarf_line_at(struct dwarf_file *f, uint64_t address, const char **file_ret,
		   unsigned *line_ret)
{
	struct dwarf_unit *unit = dwarf_units_find(&f->units, address);
	Dwarf_Line *line = unit ? dwarf_getsrc_die(&unit->die, address) : NULL;
	int number;
	const char *file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
	if (!file || dwarf_lineno(line, &number) || number <= 0)
		return false;
	*file_ret = file;
	*line_ret = (unsigned)number;
	return true;
}

uint64_t dwarf_statement_after(struct dwarf_file *f, uint64_t address)
{
	struct dwarf_unit *unit = dwarf_units_find(&f->units, address);
	Dwarf_Lines *lines;
	size_t count;
	uint64_t next = address;
	struct row row;
	if (!unit || dwarf_getsrclines(&unit->die, &lines, &count))
		return address;
	for (size_t i = 0; i < count; i++) {
		if (row_read(lines, i, &row) && row.is_statement && row.address > address &&
		    (next == address || row.address < next))
			next = row.address;
	}
	return next;
}
