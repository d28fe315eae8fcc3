/* SPDX-License-Identifier: MIT */
#include "lines/lines_table.h"

uint64_t lines_sum_more(uint64_t sum, const uint8_t *data, uint64_t bytes, uint64_t at)
{
	uint64_t word, skipped = __builtin_offsetof(struct lines_header, sum);
	for (uint64_t i = 0; i + 8 <= bytes; i += 8) {
		__builtin_memcpy(&word, data + i, 8);
		sum = (sum ^ (at + i == skipped ? 0 : word)) * 0x9e3779b97f4a7c15u;
		sum ^= sum >> 29;
	}
	for (uint64_t i = bytes & ~7ull; i < bytes; i++)
		sum = (sum ^ data[i]) * 0x9e3779b97f4a7c15u;
	return sum;
}

static bool parts_inside(const struct lines_header *h)
{
	for (unsigned i = 0; i < LINES_PARTS; i++)
		if (h->parts[i].offset > h->bytes ||
		    h->parts[i].bytes > h->bytes - h->parts[i].offset)
			return false;
	return true;
}

int lines_open_summed(struct lines_table *t, const void *data, uint64_t bytes, uint64_t sum)
{
	struct lines_header *h = &t->header;
	if (bytes < sizeof(*h))
		return LINES_DAMAGED;
	t->data = data;
	__builtin_memcpy(h, data, sizeof(*h));
	if (h->magic != LINES_MAGIC || h->version != LINES_VERSION || h->bytes != bytes ||
	    h->profile > LINES_BYTE || !parts_inside(h) || h->slot_bits < 1 ||
	    h->slot_bits > LINES_SLOT_BITS_MAX || !h->block_rows ||
	    h->block_rows > LINES_BLOCK_ROWS_MAX ||
	    h->parts[LINES_MODEL].bytes != 2u << h->slot_bits || h->sum != sum)
		return LINES_DAMAGED;
	return 0;
}

int lines_open(struct lines_table *t, const void *data, uint64_t bytes)
{
	return lines_open_summed(t, data, bytes, lines_sum_more(bytes, data, bytes, 0));
}

static bool record_at(const struct lines_table *t, enum lines_part_kind kind, uint32_t index,
		      void *ret, uint32_t bytes)
{
	const struct lines_part *part = &t->header.parts[kind];
	if (index >= part->bytes / bytes)
		return false;
	__builtin_memcpy(ret, t->data + part->offset + (uint64_t)index * bytes, bytes);
	return true;
}

bool lines_object_at(const struct lines_table *t, uint32_t index, struct lines_object *ret)
{
	return record_at(t, LINES_OBJECTS, index, ret, sizeof(*ret));
}

bool lines_region_at(const struct lines_table *t, uint32_t index, struct lines_region *ret)
{
	return record_at(t, LINES_REGIONS, index, ret, sizeof(*ret));
}

bool lines_symbol_at(const struct lines_table *t, uint32_t index, struct lines_symbol *ret)
{
	return record_at(t, LINES_SYMBOLS, index, ret, sizeof(*ret));
}

const char *lines_word(const struct lines_table *t, uint32_t offset)
{
	const struct lines_part *part = &t->header.parts[LINES_WORDS];
	if (offset >= part->bytes || t->data[part->offset + part->bytes - 1])
		return "";
	return (const char *)t->data + part->offset + offset;
}

bool lines_region_find(const struct lines_table *t, uint32_t object, uint64_t address,
		       struct lines_region *ret)
{
	struct lines_object o;
	if (!lines_object_at(t, object, &o))
		return false;
	for (uint32_t i = 0; i < o.region_count; i++)
		if (lines_region_at(t, o.first_region + i, ret) &&
		    address - ret->address < ret->bytes)
			return true;
	return false;
}

static bool super_at(const struct lines_table *t, const struct lines_region *region, uint32_t index,
		     struct lines_super *ret)
{
	return index < region->super_count &&
	       record_at(t, LINES_SUPERS, region->first_super + index, ret, sizeof(*ret));
}

/* The last super that begins at or before the offset. */
static bool super_find(const struct lines_table *t, const struct lines_region *region,
		       uint64_t offset, uint32_t *index_ret, struct lines_super *ret)
{
	uint32_t low = 0, count = region->super_count;
	while (count > 1) {
		uint32_t half = count / 2;
		if (!super_at(t, region, low + half, ret))
			return false;
		low += ret->address <= offset ? half : 0;
		count -= half;
	}
	*index_ret = low;
	return super_at(t, region, low, ret) && ret->address <= offset;
}

/* Where a block begins: its first row, and its stream in LINES_ROWS. */
struct place {
	uint64_t row, stream;
	uint32_t block;
};

static struct place block_place(const struct lines_super *super, uint32_t word)
{
	uint32_t mask = (1u << LINES_STREAM_BITS) - 1;
	return (struct place){super->address + (uint64_t)(word >> LINES_STREAM_BITS),
			      (super->stream & 0x0fffffff) + (uint64_t)(word & mask), 0};
}

/* The block around an offset, and the one behind it. */
static bool block_find(const struct lines_table *t, const struct lines_region *region,
		       uint64_t offset, struct place *ret, struct place *next_ret)
{
	uint32_t index, word;
	struct lines_super super;
	if (!super_find(t, region, offset, &index, &super))
		return false;
	uint32_t first = (region->first_super + index) * LINES_SUPER_BLOCKS;
	uint32_t count = (super.stream >> 28) + 1, at = 0;
	*ret = block_place(&super, 0);
	*next_ret = (struct place){region->bytes, t->header.parts[LINES_ROWS].bytes, 0};
	for (; at < count; at++) {
		if (!record_at(t, LINES_BLOCKS, first + at, &word, sizeof(word)))
			return false;
		struct place place = block_place(&super, word);
		place.block = first + at;
		if (place.row > offset) {
			*next_ret = place;
			return true;
		}
		*ret = place;
	}
	/* The stream ends where the next super's begins, be it another region's. */
	if (record_at(t, LINES_SUPERS, region->first_super + index + 1, &super, sizeof(super))) {
		struct place place = block_place(&super, 0);
		next_ret->stream = place.stream;
		if (index + 1 < region->super_count)
			next_ret->row = place.row;
	}
	return true;
}

bool lines_walk_begin(const struct lines_table *t, const struct lines_region *region,
		      uint64_t address, struct lines_walk *w)
{
	const struct lines_part *rows = &t->header.parts[LINES_ROWS];
	const uint8_t *streams = t->data + rows->offset;
	struct lines_model model = {t->data + t->header.parts[LINES_MODEL].offset,
				    t->header.slot_bits};
	struct place place, next;
	if (!block_find(t, region, address - region->address, &place, &next) ||
	    place.stream > rows->bytes)
		return false;
	next.stream =
		next.stream < place.stream || next.stream > rows->bytes ? rows->bytes : next.stream;
	lines_coder_init(&w->coder, &model, streams + place.stream, streams + next.stream);
	lines_rows_init(&w->rows, t->header.hot_files);
	w->left = lines_code_count(&w->coder, t->header.block_rows, 0);
	w->block = place.block;
	w->next = region->address + place.row;
	w->end = region->address + next.row;
	if (w->left)
		lines_row(&w->rows, &w->coder, &w->step, true);
	return w->left > 0;
}

bool lines_walk_next(struct lines_walk *w, struct lines_answer *ret)
{
	if (!w->left)
		return false;
	ret->site = w->rows.now;
	ret->start = w->next;
	ret->end = w->end;
	if (--w->left) {
		lines_row(&w->rows, &w->coder, &w->step, false);
		ret->end = w->next = ret->start + w->step.bytes;
	}
	return true;
}

bool lines_find(const struct lines_table *t, const struct lines_region *region, uint64_t address,
		struct lines_answer *ret)
{
	struct lines_walk walk;
	if (address - region->address >= region->bytes ||
	    !lines_walk_begin(t, region, address, &walk))
		return false;
	while (lines_walk_next(&walk, ret))
		if (address < ret->end)
			return address >= ret->start;
	return false;
}

static bool chain_stream(const struct lines_table *t, uint32_t block, uint32_t *ret)
{
	uint32_t super;
	uint16_t from;
	if (!record_at(t, LINES_CHAIN_SUPERS, block / LINES_SUPER_BLOCKS, &super, sizeof(super)) ||
	    !record_at(t, LINES_CHAIN_BLOCKS, block, &from, sizeof(from)))
		return false;
	*ret = super + from;
	return *ret <= t->header.parts[LINES_CHAINS].bytes;
}

/* Words of a super that stand for no block say where the last stream ends. */
static bool chain_coder(const struct lines_table *t, uint32_t block, struct lines_coder *c)
{
	const uint8_t *streams = t->data + t->header.parts[LINES_CHAINS].offset;
	struct lines_model model = {t->data + t->header.parts[LINES_MODEL].offset,
				    t->header.slot_bits};
	uint32_t start, end = t->header.parts[LINES_CHAINS].bytes;
	if (!chain_stream(t, block, &start))
		return false;
	if (!chain_stream(t, block + 1, &end) || end < start)
		end = t->header.parts[LINES_CHAINS].bytes;
	lines_coder_init(c, &model, streams + start, streams + end);
	return true;
}

bool lines_chain_find(const struct lines_table *t, const struct lines_region *region,
		      uint64_t address, struct lines_walk *w, struct lines_chain *ret)
{
	static const struct lines_turn none;
	struct lines_coder coder;
	ret->depth = ret->kept_count = 0;
	if (address - region->address >= region->bytes ||
	    !lines_walk_begin(t, region, address, w) || !chain_coder(t, w->block, &coder))
		return false;
	lines_turn(&w->rows, ret, &coder, &none);
	while (--w->left) {
		lines_row(&w->rows, &w->coder, &w->step, false);
		w->next += w->step.bytes;
		if (w->next > address)
			break;
		lines_turn(&w->rows, ret, &coder, &none);
	}
	return true;
}

bool lines_symbol_find(const struct lines_table *t, const struct lines_region *region,
		       uint64_t address, struct lines_symbol *ret)
{
	uint64_t offset = address - region->address;
	uint32_t low = 0, count = region->symbol_count;
	while (count > 1) {
		uint32_t half = count / 2;
		if (!lines_symbol_at(t, region->first_symbol + low + half, ret))
			return false;
		low += ret->address <= offset ? half : 0;
		count -= half;
	}
	return count && lines_symbol_at(t, region->first_symbol + low, ret) &&
	       ret->address <= offset && offset - ret->address < ret->bytes;
}
