/* SPDX-License-Identifier: MIT */
#include "cell/cell_read.h"

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static uint64_t cell_at(uint32_t cell)
{
	return offsetof(struct cell_share, cells) + cell * sizeof(struct cell);
}

/* `count` things of `bytes` each, aligned, in the memory behind the cell. */
static bool lies_inside(const struct cell_view *v, uint32_t cell, uint64_t at, uint64_t count,
			uint64_t bytes)
{
	uint64_t start = cell_at(cell) + at;
	return at < v->bytes && start % 8 == 0 && start >= sizeof(struct cell_share) &&
	       start <= v->bytes && count * bytes <= v->bytes - start;
}

static bool is_mask(uint32_t mask, uint32_t most)
{
	return mask < most && !(mask & (mask + 1));
}

static bool cell_ok(const struct cell_view *v, uint32_t cell)
{
	const struct cell *c = &v->own.cells[cell];
	uint64_t lines = c->line_mask + 1ull, slots = c->slot_mask + 1ull;
	if (!is_mask(c->line_mask, CELL_LINES_MAX) || !is_mask(c->slot_mask, CELL_SLOTS_MAX))
		return false;
	switch (c->kind) {
	case CELL_COUNT:
		return lies_inside(v, cell, c->lines_at, lines + 1, CELL_LINE_BYTES) &&
		       lies_inside(v, cell, c->slots_at, slots, sizeof(struct cell_key_slot));
	case CELL_HIST:
		return lies_inside(v, cell, c->lines_at, lines, CELL_HIST_BYTES);
	case CELL_TIME:
		return lies_inside(v, cell, c->slots_at, slots, sizeof(struct cell_time_slot));
	default:
		return false;
	}
}

bool cell_view_init(struct cell_view *v, const void *memory, uint64_t bytes)
{
	v->memory = memory;
	v->bytes = bytes;
	if (bytes < sizeof(v->own))
		return false;
	__builtin_memcpy(&v->own, memory, sizeof(v->own));
	if (v->own.magic != CELL_SHARE_MAGIC || v->own.version != CELL_SHARE_VERSION ||
	    v->own.count > CELL_MAX)
		return false;
	for (uint32_t i = 0; i < v->own.count; i++) {
		if (!cell_ok(v, i))
			return false;
	}
	return true;
}

static const struct cell *find(const struct cell_view *v, uint32_t cell, uint32_t kind)
{
	const struct cell *c = &v->own.cells[cell];
	return cell < v->own.count && c->kind == kind ? c : NULL;
}

/* A word of a line. */
static uint64_t in_line(const struct cell_view *v, uint32_t cell, uint32_t line, uint64_t bytes,
			uint32_t word)
{
	const uint8_t *lines = v->memory + cell_at(cell) + v->own.cells[cell].lines_at;
	return load((const uint64_t *)(lines + line * bytes) + word);
}

uint64_t cell_view_count(const struct cell_view *v, uint32_t cell)
{
	const struct cell *c = find(v, cell, CELL_COUNT);
	uint64_t count = 0;
	for (uint32_t line = 0; c && line <= c->line_mask + 1; line++)
		count += in_line(v, cell, line, CELL_LINE_BYTES, 0);
	return count;
}

void cell_view_hist(const struct cell_view *v, uint32_t cell, struct cell_hist *ret)
{
	const struct cell *c = find(v, cell, CELL_HIST);
	__builtin_memset(ret, 0, sizeof(*ret));
	for (uint32_t line = 0; c && line <= c->line_mask; line++) {
		for (uint32_t i = 0; i < BUCKETS; i++)
			ret->buckets[i] += in_line(v, cell, line, CELL_HIST_BYTES, i);
		ret->sum += in_line(v, cell, line, CELL_HIST_BYTES, BUCKETS);
	}
}

uint64_t cell_view_lost(const struct cell_view *v, uint32_t cell)
{
	if (cell >= v->own.count)
		return 0;
	const uint8_t *c = v->memory + cell_at(cell);
	return load((const uint64_t *)(c + offsetof(struct cell, lost)));
}

bool cell_view_next(const struct cell_view *v, uint32_t cell, uint32_t *slot,
		    struct cell_key_slot *ret)
{
	const struct cell *c = find(v, cell, CELL_COUNT);
	while (c && *slot <= c->slot_mask) {
		const uint8_t *slots = v->memory + cell_at(cell) + c->slots_at;
		const struct cell_key_slot *at = (const struct cell_key_slot *)slots + (*slot)++;
		ret->key = load(&at->key);
		ret->count = load(&at->count);
		if (ret->key)
			return true;
	}
	return false;
}

uint32_t cell_view_open(const struct cell_view *v, uint32_t cell)
{
	const struct cell *c = find(v, cell, CELL_TIME);
	uint32_t open = 0;
	for (uint32_t i = 0; c && i <= c->slot_mask; i++) {
		const uint8_t *slots = v->memory + cell_at(cell) + c->slots_at;
		const struct cell_time_slot *at = (const struct cell_time_slot *)slots + i;
		open += __atomic_load_n(&at->tid, __ATOMIC_RELAXED) != 0;
	}
	return open;
}
