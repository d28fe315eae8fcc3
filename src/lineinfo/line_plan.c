/* SPDX-License-Identifier: MIT */
#include "lineinfo/line_plan.h"
#include "lineinfo/line_profile.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

enum { SYMBOL_BYTES_MAX = 1 << 30 };

void line_plan_deinit(struct line_plan *p)
{
	array_each(f, &p->functions)
		free(f->name);
	array_free(&p->functions);
	line_files_deinit(&p->files);
	line_chains_deinit(&p->chains);
	array_free(&p->file_order);
	array_free(&p->objects);
	array_free(&p->regions);
	array_free(&p->rows);
	array_free(&p->blocks);
	array_free(&p->words);
}

static int put_word(struct line_plan *p, const char *word, uint32_t *ret)
{
	*ret = (uint32_t)p->words.count;
	for (const char *at = word;; at++) {
		if (array_push(&p->words, *at))
			return -ENOMEM;
		if (!*at)
			return 0;
	}
}

/* The section's own rows: what is in effect where it begins, and what begins in it. */
static int add_rows(struct line_plan *p, struct line_region *region, const struct line_rows *rows)
{
	uint64_t start = region->record.address, end = start + region->record.bytes;
	const struct line_row *row = line_rows_find(rows, start);
	const struct line_row *last = rows->rows.items + rows->rows.count;
	region->first_row = p->rows.count;
	for (row = row ? row : rows->rows.items; row < last && row->address < end; row++) {
		struct line_row own = *row;
		own.address = own.address < start ? start : own.address;
		bool is_first = p->rows.count == region->first_row;
		if (is_first && own.file == LINE_NO_FILE)
			continue;
		if (array_push(&p->rows, own))
			return -ENOMEM;
	}
	region->row_count = p->rows.count - region->first_row;
	return 0;
}

static int add_region(struct line_plan *p, struct line_object *object, struct line_section *section,
		      const struct line_rows *rows)
{
	struct lines_object *o = &p->objects.items[p->objects.count - 1];
	struct line_region region = {.record = {.address = section->address,
						.bytes = section->bytes,
						.object = (uint32_t)p->objects.count - 1}};
	if (section->bytes > UINT32_MAX || put_word(p, section->name, &region.record.name) ||
	    add_rows(p, &region, rows))
		return -ENOMEM;
	o->region_count++;
	p->exact_rows += region.row_count;
	if (p->profile != LINES_BYTE && line_profile_apply(p, &region, object, section))
		return -ENOMEM;
	/* From here on in the section's own addresses. */
	for (size_t i = region.first_row; i < p->rows.count; i++)
		p->rows.items[i].address -= section->address;
	return array_push(&p->regions, region);
}

static int add_function(struct line_plan *p, const char *name, uint64_t address, uint64_t bytes)
{
	struct lines_object *o = &p->objects.items[p->objects.count - 1];
	for (uint32_t i = 0; i < o->region_count; i++) {
		uint32_t index = o->first_region + i;
		const struct lines_region *r = &p->regions.items[index].record;
		if (address - r->address >= r->bytes)
			continue;
		uint64_t room = r->bytes - (address - r->address);
		struct line_function f = {
			strdup(name),
			{(uint32_t)(address - r->address), (uint32_t)(bytes < room ? bytes : room)},
			index};
		return !f.name || array_push(&p->functions, f) ? -ENOMEM : 0;
	}
	return 0;
}

static int add_functions(struct line_plan *p, struct line_object *object)
{
	GElf_Addr bias = 0;
	dwfl_module_getelf(object->module, &bias);
	int count = dwfl_module_getsymtab(object->module);
	for (int i = 1; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		const char *name = dwfl_module_getsym_info(object->module, i, &symbol, &address,
							   NULL, NULL, NULL);
		unsigned type = GELF_ST_TYPE(symbol.st_info);
		bool is_code = type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE;
		if (!name || !*name || !is_code || symbol.st_shndx == SHN_UNDEF ||
		    symbol.st_size > SYMBOL_BYTES_MAX)
			continue;
		if (add_function(p, name, address - bias, symbol.st_size))
			return -ENOMEM;
	}
	return 0;
}

static int add_object(struct line_plan *p, struct line_object *object)
{
	struct lines_object o = {.build_id_bytes = (uint8_t)object->build_id_bytes,
				 .is_module = object->is_relocatable,
				 .first_region = (uint32_t)p->regions.count};
	memcpy(o.build_id, object->build_id, sizeof(o.build_id));
	if (put_word(p, object->name, &o.name))
		return -ENOMEM;
	return array_push(&p->objects, o);
}

/* A module's sections are placed by the kernel one by one: each begins at 0. */
static void forget_layout(struct line_plan *p)
{
	struct lines_object *o = &p->objects.items[p->objects.count - 1];
	for (uint32_t i = 0; o->is_module && i < o->region_count; i++)
		p->regions.items[o->first_region + i].record.address = 0;
}

static int add(struct line_plan *p, struct line_object *object, struct err *e)
{
	struct line_rows rows = {0};
	int failed = line_rows_read(&rows, &p->files, object, e);
	if (!failed && p->with_chains)
		failed = line_chains_read(&p->chains, &rows, &p->files, object, e);
	if (!failed && add_object(p, object))
		failed = -ENOMEM;
	p->raw_rows += rows.raw_count;
	for (size_t i = 0; !failed && i < object->sections.count; i++)
		failed = add_region(p, object, &object->sections.items[i], &rows);
	if (!failed && p->with_functions)
		failed = add_functions(p, object);
	if (!failed)
		forget_layout(p);
	line_rows_deinit(&rows);
	return failed == -ENOMEM ? err_set(e, ENOMEM, "%s: no memory for its lines", object->name)
				 : failed;
}

int line_plan_add(struct line_plan *p, const char *path, struct err *e)
{
	struct line_object object;
	int failed = line_object_open(&object, path, e);
	if (!failed)
		failed = add(p, &object, e);
	line_object_close(&object);
	return failed;
}

static int cut_region(struct line_plan *p, struct line_region *region)
{
	size_t end = region->first_row + region->row_count;
	region->first_block = p->blocks.count;
	for (size_t at = region->first_row; at < end;) {
		struct line_block block = {.first = at++, .count = 1};
		while (at < end && block.count < p->block_rows &&
		       p->rows.items[at].address - p->rows.items[at - 1].address <
			       LINES_ROW_BYTES_MAX) {
			block.count++;
			at++;
		}
		if (array_push(&p->blocks, block))
			return -ENOMEM;
	}
	region->block_count = p->blocks.count - region->first_block;
	return 0;
}

int line_plan_finish(struct line_plan *p, struct err *e)
{
	int failed = line_files_order(p);
	array_each(region, &p->regions)
		if (!failed)
			failed = cut_region(p, region);
	return failed ? err_set(e, ENOMEM, "no memory for the lines") : 0;
}
