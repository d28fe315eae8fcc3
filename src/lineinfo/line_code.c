/* SPDX-License-Identifier: MIT */
#include "lineinfo/line_coder.h"

#include "lines/lines_chain.h"
#include "lines/lines_name.h"
#include "lines/lines_row.h"

#include <stdlib.h>

enum {
	SLOT_BITS_MIN = 7,
	SLOT_BITS_MAX = 14,
	SLOT_BITS_MAX_CHAINS = 16,
	ROWS_PER_SLOT = 32,
	NAME_BYTES_PER_SLOT = 256,
	LEARN_SAMPLE_ROWS_MAX = 600000, /* of more, every n-th block */
	LEARN_ROWS = 1200000,           /* to be seen, in rounds */
	LEARN_ROUNDS_MAX = 8,
	PLACE_TRIES_MAX = 16,
	CHAIN_BYTES_MAX = 0xc000, /* of one super, before its last block */
};

struct coding {
	struct line_plan *plan;
	const struct line_names *files, *functions;
	struct line_parts *parts;
	struct lines_coder coder;
};

void line_parts_deinit(struct line_parts *p)
{
	array_free(&p->model.data);
	array_free(&p->supers.data);
	array_free(&p->blocks.data);
	array_free(&p->rows.data);
	array_free(&p->file_groups.data);
	array_free(&p->files.data);
	array_free(&p->function_groups.data);
	array_free(&p->functions.data);
	array_free(&p->chain_supers.data);
	array_free(&p->chain_blocks.data);
	array_free(&p->chains.data);
}

static int put_bytes(struct line_bytes *b, const void *data, size_t bytes)
{
	if (array_reserve(&b->data, b->data.count + bytes))
		return -ENOMEM;
	memcpy(b->data.items + b->data.count, data, bytes);
	b->data.count += bytes;
	return 0;
}

/* How the row of a site is told, after the rows before it. */
static struct lines_step step_to(const struct lines_rows *r, struct lines_site site)
{
	uint32_t first = lines_first_site(r);
	if (site.file == LINES_NO_FILE)
		return (struct lines_step){.kind = LINES_GAP};
	for (uint32_t i = first; i < r->site_count; i++)
		if (r->sites[i].file == site.file && r->sites[i].line == site.line)
			return (struct lines_step){.kind = LINES_RECENT, .rank = i - first};
	for (uint32_t i = 0; i < r->file_count; i++)
		if (r->files[i].file == site.file)
			return (struct lines_step){.kind = i ? LINES_FILE : LINES_LINE,
						   .rank = i,
						   .line = (int32_t)(site.line - r->files[i].line)};
	return (struct lines_step){
		.kind = LINES_NEW, .file = site.file, .line = (int32_t)site.line};
}

static void code_block(struct coding *c, const struct line_block *block)
{
	struct lines_rows rows;
	const struct line_row *row = c->plan->rows.items + block->first;
	lines_rows_init(&rows, c->plan->hot_files);
	line_stream_begin(&c->coder);
	lines_code_count(&c->coder, c->plan->block_rows, block->count);
	for (uint32_t i = 0; i < block->count; i++, row++) {
		struct lines_step step = step_to(&rows, (struct lines_site){row->file, row->line});
		step.bytes = i ? (uint32_t)(row->address - row[-1].address) : 0;
		lines_row(&rows, &c->coder, &step, i == 0);
	}
	line_stream_end(&c->coder);
}

/* The calls of a chain, outermost first; gives its depth. */
static uint32_t unroll(const struct line_chains *c, uint32_t chain, uint32_t *ids,
		       struct lines_call *calls)
{
	uint32_t depth = c->chains.items[chain].depth;
	for (uint32_t at = depth; at-- > 0; chain = c->chains.items[chain].outer) {
		const struct line_chain *from = &c->chains.items[chain];
		ids[at] = chain;
		calls[at] = (struct lines_call){from->function, {from->file, from->line}};
	}
	return depth;
}

static void code_chains(struct coding *c, const struct line_block *block)
{
	struct lines_rows rows;
	struct lines_chain chain = {.depth = 0};
	struct lines_call calls[LINES_DEPTH_MAX];
	uint32_t ids[LINES_DEPTH_MAX], before[LINES_DEPTH_MAX], depth_before = 0;
	const struct line_row *row = c->plan->rows.items + block->first;
	lines_rows_init(&rows, c->plan->hot_files);
	line_stream_begin(&c->coder);
	for (uint32_t i = 0; i < block->count; i++, row++) {
		struct lines_step step = step_to(&rows, (struct lines_site){row->file, row->line});
		lines_take(&rows, &step);
		uint32_t depth = unroll(&c->plan->chains, row->chain, ids, calls), same = 0;
		while (same < depth && same < depth_before && ids[same] == before[same])
			same++;
		struct lines_turn turn = {depth_before - same, depth - same, calls + same};
		lines_turn(&rows, &chain, &c->coder, &turn);
		memcpy(before, ids, sizeof(ids));
		depth_before = depth;
	}
	line_stream_end(&c->coder);
}

/* A name whose front is cut off when there is too much of it. */
static const char *name_end(const char *name)
{
	size_t bytes = strlen(name);
	return bytes > LINES_NAME_MAX ? name + bytes - LINES_NAME_MAX : name;
}

static void code_group(struct coding *c, const struct line_names *names, size_t first)
{
	char kept[LINES_NAME_MAX + 1] = "";
	uint32_t bytes = 0;
	line_stream_begin(&c->coder);
	for (size_t i = first; i < first + LINES_NAME_GROUP && i < names->items.count; i++) {
		const char *name = name_end(names->items.items[i]);
		uint32_t shared = 0;
		while (shared < bytes && name[shared] == kept[shared])
			shared++;
		bytes = lines_code_name(&c->coder, kept, bytes, name, shared);
	}
	line_stream_end(&c->coder);
}

static void learn_names(struct coding *c, const struct line_names *names, size_t every)
{
	for (size_t i = 0; i < names->items.count; i += LINES_NAME_GROUP * every)
		code_group(c, names, i);
}

static void learn(struct coding *c)
{
	size_t rows = c->plan->rows.count, every = rows / LEARN_SAMPLE_ROWS_MAX + 1;
	size_t rounds = rows ? LEARN_ROWS * every / rows : 0;
	rounds = rounds < LEARN_ROUNDS_MAX ? rounds : LEARN_ROUNDS_MAX;
	for (size_t round = 0; round < rounds; round++) {
		for (size_t i = round % every; i < c->plan->blocks.count; i += every) {
			code_block(c, &c->plan->blocks.items[i]);
			if (c->plan->with_chains)
				code_chains(c, &c->plan->blocks.items[i]);
		}
		learn_names(c, c->files, 1);
		learn_names(c, c->functions, every);
	}
}

static unsigned choose_bits(const struct coding *c)
{
	size_t bytes = 0, wanted = c->plan->rows.count / ROWS_PER_SLOT;
	for (size_t i = 0; i < c->files->items.count; i++)
		bytes += strlen(c->files->items.items[i]);
	wanted += bytes / NAME_BYTES_PER_SLOT;
	unsigned bits = SLOT_BITS_MIN;
	unsigned most = c->plan->with_chains ? SLOT_BITS_MAX_CHAINS : SLOT_BITS_MAX;
	while (bits < most && wanted >> bits)
		bits++;
	return bits;
}

/* What a feature saves, in bits or so. */
static float worth(const struct line_weight *w)
{
	return w->energy * w->weight * w->weight;
}

/*
 * Into one of its two slots; what was there and is worth less goes to its own other slot, or out.
 * `owners` has identities + 1.
 */
static void place(struct coding *c, uint32_t *owners, uint32_t identity)
{
	const struct line_weight *weights = c->coder.weights;
	unsigned bits = c->coder.model.bits;
	for (unsigned tries = 0; tries < PLACE_TRIES_MAX; tries++) {
		uint32_t slot = identity >> 8;
		uint32_t other = lines_other_slot(slot, identity & 255, bits);
		float here = owners[slot] ? worth(&weights[owners[slot] - 1]) : -1;
		float there = owners[other] ? worth(&weights[owners[other] - 1]) : -1;
		slot = there < here ? other : slot;
		uint32_t out = owners[slot];
		if (worth(&weights[identity]) <= (there < here ? there : here))
			return;
		owners[slot] = identity + 1;
		if (!out)
			return;
		identity = out - 1;
	}
}

static int write_model(struct coding *c, const uint32_t *owners)
{
	struct line_bytes *model = &c->parts->model;
	unsigned bits = c->coder.model.bits;
	for (uint32_t slot = 0; slot < 1u << bits; slot++) {
		float weight = owners[slot] ? c->coder.weights[owners[slot] - 1].weight : 0;
		int scaled = (int)lrintf(weight * 16);
		scaled = scaled < -127 ? -127 : scaled > 127 ? 127 : scaled;
		uint8_t pair[2] = {(uint8_t)(int8_t)scaled,
				   owners[slot] ? (uint8_t)((owners[slot] - 1) & 255) : 0};
		if (put_bytes(model, pair, sizeof(pair)))
			return -ENOMEM;
	}
	return 0;
}

static int learn_model(struct coding *c, uint32_t *owners, bool *kept)
{
	size_t identities = (size_t)256 << c->coder.model.bits;
	learn(c);
	for (uint32_t i = 0; i < identities; i++)
		if (c->coder.weights[i].energy > 0)
			place(c, owners, i);
	for (uint32_t slot = 0; slot < 1u << c->coder.model.bits; slot++)
		if (owners[slot])
			kept[owners[slot] - 1] = true;
	for (size_t i = 0; i < identities; i++)
		c->coder.weights[i].energy = 0;
	c->coder.kept = kept;
	learn(c);
	c->coder.kept = NULL;
	return write_model(c, owners);
}

static int make_model(struct coding *c)
{
	unsigned bits = c->coder.model.bits = c->parts->slot_bits = choose_bits(c);
	size_t identities = (size_t)256 << bits;
	struct line_weight *weights = calloc(identities, sizeof(*weights));
	uint32_t *owners = calloc(1u << bits, sizeof(*owners));
	bool *kept = calloc(identities, sizeof(*kept));
	c->coder.weights = weights;
	int failed = weights && owners && kept ? learn_model(c, owners, kept) : -ENOMEM;
	c->coder.weights = NULL;
	c->coder.model.slots = c->parts->model.data.items;
	free(weights);
	free(owners);
	free(kept);
	return failed;
}

static int write_names(struct coding *c, const struct line_names *names, struct line_bytes *groups,
		       struct line_bytes *streams)
{
	c->coder.out = streams;
	for (size_t i = 0; i < names->items.count; i += LINES_NAME_GROUP) {
		uint32_t at = (uint32_t)streams->data.count;
		if (put_bytes(groups, &at, sizeof(at)))
			return -ENOMEM;
		code_group(c, names, i);
	}
	return 0;
}

/* The super being filled. */
struct filling {
	struct lines_super super;
	uint32_t count;
	uint32_t words[LINES_SUPER_BLOCKS];
	uint32_t chains; /* where the streams of chains begin */
	uint16_t chain_words[LINES_SUPER_BLOCKS];
};

static int end_super(struct coding *c, struct filling *f)
{
	if (!f->count)
		return 0;
	f->super.stream |= (f->count - 1) << 28;
	/* Where there is no block the last one's stream ends. */
	while (f->count < LINES_SUPER_BLOCKS)
		f->chain_words[f->count++] = (uint16_t)(c->parts->chains.data.count - f->chains);
	f->count = 0;
	if (put_bytes(&c->parts->supers, &f->super, sizeof(f->super)) ||
	    put_bytes(&c->parts->blocks, f->words, sizeof(f->words)))
		return -ENOMEM;
	if (!c->plan->with_chains)
		return 0;
	return put_bytes(&c->parts->chain_supers, &f->chains, sizeof(f->chains)) ||
			       put_bytes(&c->parts->chain_blocks, f->chain_words,
					 sizeof(f->chain_words))
		       ? -ENOMEM
		       : 0;
}

static int write_block(struct coding *c, struct filling *f, const struct line_block *block)
{
	uint64_t address = c->plan->rows.items[block->first].address;
	uint64_t stream = c->parts->rows.data.count;
	if (stream >= 1u << 28)
		return -E2BIG;
	uint64_t row = address - f->super.address, from = stream - f->super.stream;
	if (f->count == LINES_SUPER_BLOCKS || row >> (32 - LINES_STREAM_BITS) ||
	    from >> LINES_STREAM_BITS || c->parts->chains.data.count - f->chains > CHAIN_BYTES_MAX)
		if (end_super(c, f))
			return -ENOMEM;
	if (!f->count) {
		f->super = (struct lines_super){(uint32_t)address, (uint32_t)stream};
		f->chains = (uint32_t)c->parts->chains.data.count;
		memset(f->words, 0, sizeof(f->words));
		row = from = 0;
	}
	f->chain_words[f->count] = (uint16_t)(c->parts->chains.data.count - f->chains);
	f->words[f->count++] = (uint32_t)(row << LINES_STREAM_BITS | from);
	c->coder.out = &c->parts->rows;
	code_block(c, block);
	c->coder.out = &c->parts->chains;
	if (c->plan->with_chains)
		code_chains(c, block);
	return 0;
}

static int write_rows(struct coding *c)
{
	array_each(region, &c->plan->regions) {
		struct filling f = {.count = 0};
		size_t supers = c->parts->supers.data.count / sizeof(struct lines_super);
		region->record.first_super = (uint32_t)supers;
		for (size_t i = 0; i < region->block_count; i++) {
			int failed =
				write_block(c, &f, &c->plan->blocks.items[region->first_block + i]);
			if (failed)
				return failed;
		}
		if (end_super(c, &f))
			return -ENOMEM;
		size_t end = c->parts->supers.data.count / sizeof(struct lines_super);
		region->record.super_count = (uint32_t)(end - supers);
	}
	return 0;
}

int line_code(struct line_plan *p, const struct line_names *files,
	      const struct line_names *functions, struct line_parts *ret, struct err *e)
{
	struct coding c = {.plan = p, .files = files, .functions = functions, .parts = ret};
	int failed = make_model(&c);
	if (!failed)
		failed = write_names(&c, files, &ret->file_groups, &ret->files);
	if (!failed)
		failed = write_names(&c, functions, &ret->function_groups, &ret->functions);
	if (!failed)
		failed = write_rows(&c);
	if (failed == -E2BIG)
		return err_set(e, E2BIG, "the lines are more than a table holds");
	return failed || c.coder.failed ? err_set(e, ENOMEM, "no memory for the table") : 0;
}
