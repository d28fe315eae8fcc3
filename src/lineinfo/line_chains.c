/* SPDX-License-Identifier: MIT */
#include "lineinfo/line_chains.h"

#include "lines/lines_chain.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <string.h>

enum { NESTING_MAX = 256 };

/* Code of one inlined function; inner ones lie inside outer ones. */
struct stretch {
	uint64_t start, end;
	uint32_t chain, depth;
};

struct reader {
	struct line_chains *chains;
	struct line_files *files;
	struct map file_by_name, function_by_name; /* libdw's own strings → number + 1 */
	ARRAY(struct stretch) stretches;
	Dwarf_Files *unit_files;
	size_t unit_file_count;
	bool failed;
};

void line_chains_deinit(struct line_chains *c)
{
	array_free(&c->chains);
	map_deinit(&c->by_hash);
	line_files_deinit(&c->names);
}

static uint32_t intern(struct reader *r, struct map *numbers, struct line_files *names,
		       const char *name, bool is_path)
{
	uint64_t *kept = map_put(numbers, (uintptr_t)name);
	if (kept && !*kept)
		*kept = (is_path ? line_files_put(names, name) : line_names_put(names, name)) +
			1ull;
	if (!kept || *kept == LINE_NO_FILE + 1ull) {
		r->failed = true;
		return 0;
	}
	return (uint32_t)(*kept - 1);
}

static uint32_t number_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;
	if (!dwarf_attr(die, name, &attribute) || dwarf_formudata(&attribute, &value))
		return 0;
	return (uint32_t)value;
}

static const char *function_name(Dwarf_Die *die)
{
	static const unsigned kinds[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name};
	Dwarf_Attribute attribute;
	for (unsigned i = 0; i < 3; i++) {
		const char *name = dwarf_attr_integrate(die, kinds[i], &attribute)
					   ? dwarf_formstring(&attribute)
					   : NULL;
		if (name)
			return name;
	}
	return "??";
}

static uint32_t call_file(struct reader *r, Dwarf_Die *die)
{
	uint32_t file = number_of(die, DW_AT_call_file);
	const char *name = r->unit_files && file < r->unit_file_count
				   ? dwarf_filesrc(r->unit_files, file, NULL, NULL)
				   : NULL;
	return intern(r, &r->file_by_name, r->files, name ? name : "??", true);
}

static bool is_same(const struct line_chain *a, const struct line_chain *b)
{
	return a->outer == b->outer && a->function == b->function && a->file == b->file &&
	       a->line == b->line;
}

static uint32_t chain_inside(struct reader *r, uint32_t outer, Dwarf_Die *die)
{
	struct line_chains *c = r->chains;
	struct line_chain chain = {
		.outer = outer,
		.function = intern(r, &r->function_by_name, &c->names, function_name(die), false),
		.file = call_file(r, die),
		.line = number_of(die, DW_AT_call_line),
		.depth = c->chains.items[outer].depth + 1};
	uint64_t key = ((outer * 0x9e3779b97f4a7c15u + chain.function) * 0x9e3779b97f4a7c15u +
			chain.file) *
			       0x9e3779b97f4a7c15u +
		       chain.line;
	for (uint64_t *found; (found = map_find(&c->by_hash, key)); key++)
		if (is_same(&c->chains.items[*found], &chain))
			return (uint32_t)*found;
	uint64_t *place = map_put(&c->by_hash, key);
	if (!place || array_push(&c->chains, chain)) {
		r->failed = true;
		return outer;
	}
	*place = c->chains.count - 1;
	return (uint32_t)*place;
}

static void add_stretches(struct reader *r, Dwarf_Die *die, uint32_t chain)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;
	uint32_t depth = r->chains->chains.items[chain].depth;
	while ((at = dwarf_ranges(die, at, &base, &start, &end)) > 0)
		if (start < end &&
		    array_push(&r->stretches, (struct stretch){start, end, chain, depth}))
			r->failed = true;
}

static bool may_hold_code(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
	       tag == DW_TAG_catch_block || tag == DW_TAG_namespace || tag == DW_TAG_class_type ||
	       tag == DW_TAG_structure_type || tag == DW_TAG_module;
}

/* Chains deeper than a table tells end where it stops. */
static void walk(struct reader *r, Dwarf_Die *parent, uint32_t chain, unsigned nesting)
{
	Dwarf_Die child;
	Dwarf_Off last = dwarf_dieoffset(parent);
	if (nesting == NESTING_MAX || dwarf_child(parent, &child) || r->failed)
		return;
	do {
		int tag = dwarf_tag(&child);
		if (dwarf_dieoffset(&child) <= last)
			return;
		last = dwarf_dieoffset(&child);
		if (tag == DW_TAG_inlined_subroutine &&
		    r->chains->chains.items[chain].depth < LINES_DEPTH_MAX) {
			uint32_t inner = chain_inside(r, chain, &child);
			add_stretches(r, &child, inner);
			walk(r, &child, inner, nesting + 1);
		} else if (may_hold_code(tag)) {
			walk(r, &child, tag == DW_TAG_subprogram ? 0 : chain, nesting + 1);
		}
	} while (!dwarf_siblingof(&child, &child));
}

static int stretch_order(const void *left, const void *right)
{
	const struct stretch *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->depth < b->depth ? -1 : a->depth > b->depth;
}

/* Where chains change: `file` and `line` are not used. */
struct borders {
	ARRAY(struct line_row) rows;
	ARRAY(struct stretch) open;
};

static int put_border(struct borders *b, uint64_t address, uint32_t chain)
{
	if (b->rows.count && b->rows.items[b->rows.count - 1].address == address) {
		b->rows.items[b->rows.count - 1].chain = chain;
		return 0;
	}
	return array_push(&b->rows, (struct line_row){address, 0, 0, chain});
}

static int close_until(struct borders *b, uint64_t address, uint32_t depth)
{
	while (b->open.count) {
		struct stretch top = b->open.items[b->open.count - 1];
		if (top.end > address && top.depth < depth)
			break;
		b->open.count--;
		if (top.end > address)
			continue; /* overlaps: ends where the other begins */
		uint32_t outer = b->open.count ? b->open.items[b->open.count - 1].chain : 0;
		if (put_border(b, top.end, outer))
			return -ENOMEM;
	}
	return 0;
}

static int find_borders(struct reader *r, struct borders *b)
{
	if (r->stretches.count)
		qsort(r->stretches.items, r->stretches.count, sizeof(*r->stretches.items),
		      stretch_order);
	array_each(s, &r->stretches) {
		if (close_until(b, s->start, s->depth))
			return -ENOMEM;
		if (b->open.count && s->end > b->open.items[b->open.count - 1].end)
			s->end = b->open.items[b->open.count - 1].end;
		if (put_border(b, s->start, s->chain) || array_push(&b->open, *s))
			return -ENOMEM;
	}
	return close_until(b, UINT64_MAX, 0);
}

static int split_rows(struct line_rows *rows, const struct borders *b)
{
	struct line_rows split = {.raw_count = rows->raw_count};
	size_t at = 0;
	uint32_t chain = 0;
	int failed = 0;
	for (size_t i = 0; !failed && i < rows->rows.count; i++) {
		struct line_row row = rows->rows.items[i];
		uint64_t end = i + 1 < rows->rows.count ? rows->rows.items[i + 1].address
							: row.address + 1;
		for (; at < b->rows.count && b->rows.items[at].address <= row.address; at++)
			chain = b->rows.items[at].chain;
		row.chain = row.file == LINE_NO_FILE ? 0 : chain;
		failed = array_push(&split.rows, row);
		for (; !failed && at < b->rows.count && b->rows.items[at].address < end; at++) {
			row.address = b->rows.items[at].address;
			chain = b->rows.items[at].chain;
			if (row.file == LINE_NO_FILE || chain == row.chain)
				continue;
			row.chain = chain;
			failed = array_push(&split.rows, row);
		}
	}
	array_free(&rows->rows);
	*rows = split;
	return failed;
}

int line_chains_read(struct line_chains *c, struct line_rows *rows, struct line_files *files,
		     struct line_object *object, struct err *e)
{
	struct reader r = {.chains = c, .files = files};
	struct borders b = {.rows = {0}};
	Dwarf_CU *unit = NULL;
	Dwarf_Die die, split;
	uint8_t type;
	if (!c->chains.count && array_push(&c->chains, (struct line_chain){0}))
		r.failed = true;
	while (!r.failed &&
	       !dwarf_get_units(object->dwarf, unit, &unit, NULL, &type, &die, &split)) {
		if (type != DW_UT_compile && type != DW_UT_skeleton)
			continue;
		if (dwarf_getsrcfiles(&die, &r.unit_files, &r.unit_file_count))
			r.unit_files = NULL;
		walk(&r, type == DW_UT_skeleton && split.addr ? &split : &die, 0, 0);
	}
	if (!r.failed)
		r.failed = find_borders(&r, &b) || split_rows(rows, &b);
	array_free(&b.rows);
	array_free(&b.open);
	array_free(&r.stretches);
	map_deinit(&r.file_by_name);
	map_deinit(&r.function_by_name);
	return r.failed
		       ? err_set(e, ENOMEM, "%s: no memory for its inlined functions", object->name)
		       : 0;
}
