/* SPDX-License-Identifier: MIT */
#include "lineinfo/line_build.h"

#include "lineinfo/line_code.h"
#include "lines/lines_table.h"

#include <stdlib.h>
#include <string.h>

/* Of several names for one place the one people know comes last: fewest "_". */
static int function_order(const void *left, const void *right)
{
	const struct line_function *a = left, *b = right;
	if (a->region != b->region)
		return a->region < b->region ? -1 : 1;
	if (a->record.address != b->record.address)
		return a->record.address < b->record.address ? -1 : 1;
	if (!a->record.bytes != !b->record.bytes)
		return a->record.bytes ? 1 : -1;
	size_t a_underscores = strspn(a->name, "_"), b_underscores = strspn(b->name, "_");
	if (a_underscores != b_underscores)
		return a_underscores > b_underscores ? -1 : 1;
	return strcmp(b->name, a->name);
}

/* A name, and where its number is wanted. */
struct wanted {
	const char *name;
	uint32_t *number;
};

static int name_order(const void *left, const void *right)
{
	const struct wanted *a = left, *b = right;
	return strcmp(a->name, b->name);
}

/* A symbol without a size, as assemblers write them, reaches to the next one. */
static void close_gaps(struct line_plan *p)
{
	for (size_t i = p->functions.count; i-- > 0;) {
		struct line_function *f = &p->functions.items[i];
		if (f->record.bytes)
			continue;
		uint64_t end = p->regions.items[f->region].record.bytes;
		for (size_t next = i + 1; next < p->functions.count; next++) {
			const struct line_function *n = &p->functions.items[next];
			if (n->region == f->region && n->record.address == f->record.address)
				continue;
			end = n->region == f->region ? n->record.address : end;
			break;
		}
		f->record.bytes = (uint32_t)(end - f->record.address);
	}
}

/* Numbers the names, each once. */
static int number_names(struct wanted *wanted, size_t count, struct line_names *names)
{
	if (count)
		qsort(wanted, count, sizeof(*wanted), name_order);
	for (size_t i = 0; i < count; i++) {
		if (!i || strcmp(wanted[i].name, wanted[i - 1].name))
			if (array_push(&names->items, wanted[i].name))
				return -ENOMEM;
		*wanted[i].number = (uint32_t)names->items.count - 1;
	}
	return 0;
}

/* The names of symbols and of inlined functions are one list. */
static int order_names(struct line_plan *p, struct line_names *names)
{
	struct line_files *inlined = &p->chains.names;
	size_t count = p->functions.count + inlined->names.count, at = 0;
	struct wanted *wanted = calloc(count + 1, sizeof(*wanted));
	uint32_t *numbers = calloc(inlined->names.count + 1, sizeof(*numbers));
	int failed = wanted && numbers ? 0 : -ENOMEM;
	array_each(f, &p->functions)
		if (!failed)
			wanted[at++] = (struct wanted){f->name, &f->record.function};
	for (size_t i = 0; !failed && i < inlined->names.count; i++)
		wanted[at++] = (struct wanted){inlined->names.items[i], &numbers[i]};
	if (!failed)
		failed = number_names(wanted, at, names);
	array_each(chain, &p->chains.chains)
		if (!failed && chain->depth)
			chain->function = numbers[chain->function];
	free(wanted);
	free(numbers);
	return failed;
}

/* Sorts the functions and gives every region its symbols. */
static void order_functions(struct line_plan *p)
{
	if (p->functions.count)
		qsort(p->functions.items, p->functions.count, sizeof(*p->functions.items),
		      function_order);
	close_gaps(p);
	for (size_t i = 0; i < p->functions.count; i++) {
		struct line_function *f = &p->functions.items[i];
		struct lines_region *r = &p->regions.items[f->region].record;
		r->first_symbol = r->symbol_count ? r->first_symbol : (uint32_t)i;
		r->symbol_count++;
	}
}

struct piece {
	const void *data;
	size_t bytes;
};

static int join(const struct line_plan *p, struct lines_header *h, const struct piece *pieces,
		void **data_ret, size_t *bytes_ret)
{
	uint64_t bytes = sizeof(*h);
	for (unsigned i = 0; i < LINES_PARTS; i++) {
		h->parts[i] = (struct lines_part){(uint32_t)bytes, (uint32_t)pieces[i].bytes};
		bytes = (bytes + pieces[i].bytes + 3) & ~3ull;
	}
	if (bytes > UINT32_MAX)
		return -E2BIG;
	uint8_t *data = calloc(1, bytes);
	if (!data)
		return -ENOMEM;
	h->bytes = (uint32_t)bytes;
	h->row_count = (uint32_t)p->rows.count;
	memcpy(data, h, sizeof(*h));
	for (unsigned i = 0; i < LINES_PARTS; i++)
		if (pieces[i].bytes)
			memcpy(data + h->parts[i].offset, pieces[i].data, pieces[i].bytes);
	h->sum = lines_sum_more(bytes, data, bytes, 0);
	memcpy(data, h, sizeof(*h));
	*data_ret = data;
	*bytes_ret = bytes;
	return 0;
}

/* The records of regions and symbols without what only the plan needs. */
static int gather(const struct line_plan *p, struct lines_region **regions_ret,
		  struct lines_symbol **symbols_ret)
{
	struct lines_region *regions = calloc(p->regions.count + 1, sizeof(*regions));
	struct lines_symbol *symbols = calloc(p->functions.count + 1, sizeof(*symbols));
	for (size_t i = 0; regions && i < p->regions.count; i++)
		regions[i] = p->regions.items[i].record;
	for (size_t i = 0; symbols && i < p->functions.count; i++)
		symbols[i] = p->functions.items[i].record;
	*regions_ret = regions;
	*symbols_ret = symbols;
	return regions && symbols ? 0 : -ENOMEM;
}

static int assemble(const struct line_plan *p, const struct line_parts *parts,
		    const struct line_names *functions, void **data_ret, size_t *bytes_ret)
{
	struct lines_header h = {.magic = LINES_MAGIC,
				 .version = LINES_VERSION,
				 .profile = (uint8_t)p->profile,
				 .slot_bits = (uint8_t)parts->slot_bits,
				 .block_rows = (uint16_t)p->block_rows,
				 .hot_files = p->hot_files,
				 .file_count = (uint32_t)p->file_order.count,
				 .function_count = (uint32_t)functions->items.count};
	struct lines_region *regions;
	struct lines_symbol *symbols;
	int failed = gather(p, &regions, &symbols);
	const struct piece pieces[LINES_PARTS] = {
		[LINES_OBJECTS] = {p->objects.items, p->objects.count * sizeof(*p->objects.items)},
		[LINES_REGIONS] = {regions, p->regions.count * sizeof(*regions)},
		[LINES_WORDS] = {p->words.items, p->words.count},
		[LINES_MODEL] = {parts->model.data.items, parts->model.data.count},
		[LINES_SUPERS] = {parts->supers.data.items, parts->supers.data.count},
		[LINES_BLOCKS] = {parts->blocks.data.items, parts->blocks.data.count},
		[LINES_ROWS] = {parts->rows.data.items, parts->rows.data.count},
		[LINES_FILE_GROUPS] = {parts->file_groups.data.items,
				       parts->file_groups.data.count},
		[LINES_FILES] = {parts->files.data.items, parts->files.data.count},
		[LINES_FUNCTION_GROUPS] = {parts->function_groups.data.items,
					   parts->function_groups.data.count},
		[LINES_FUNCTIONS] = {parts->functions.data.items, parts->functions.data.count},
		[LINES_CHAIN_SUPERS] = {parts->chain_supers.data.items,
					parts->chain_supers.data.count},
		[LINES_CHAIN_BLOCKS] = {parts->chain_blocks.data.items,
					parts->chain_blocks.data.count},
		[LINES_CHAINS] = {parts->chains.data.items, parts->chains.data.count},
		[LINES_SYMBOLS] = {symbols, p->functions.count * sizeof(*symbols)},
	};
	if (!failed)
		failed = join(p, &h, pieces, data_ret, bytes_ret);
	free(regions);
	free(symbols);
	return failed;
}

static int build(struct line_plan *p, void **data_ret, size_t *bytes_ret, struct err *e)
{
	struct line_names files = {0}, functions = {0};
	struct line_parts parts = {0};
	int failed = line_plan_finish(p, e);
	order_functions(p);
	if (!failed && order_names(p, &functions))
		failed = err_set(e, ENOMEM, "no memory for the functions");
	array_each(file, &p->file_order)
		if (!failed && array_push(&files.items, p->files.names.items[*file]))
			failed = err_set(e, ENOMEM, "no memory for the files");
	if (!failed)
		failed = line_code(p, &files, &functions, &parts, e);
	if (!failed) {
		failed = assemble(p, &parts, &functions, data_ret, bytes_ret);
		if (failed)
			err_set(e, -failed, "the table is too large");
	}
	line_parts_deinit(&parts);
	array_free(&files.items);
	array_free(&functions.items);
	return failed;
}

int line_build(const char *const *paths, size_t count, const struct line_options *options,
	       void **data_ret, size_t *bytes_ret, struct line_counts *counts_ret, struct err *e)
{
	struct line_plan p = {.profile = options->profile,
			      .block_rows = options->block_rows,
			      .with_functions = !options->without_functions,
			      .with_chains = options->with_chains};
	int failed = 0;
	for (size_t i = 0; !failed && i < count; i++)
		failed = line_plan_add(&p, paths[i], e);
	if (!failed)
		failed = build(&p, data_ret, bytes_ret, e);
	*counts_ret = (struct line_counts){p.raw_rows, p.exact_rows, p.rows.count};
	line_plan_deinit(&p);
	return failed;
}
