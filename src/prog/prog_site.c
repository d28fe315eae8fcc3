/* SPDX-License-Identifier: MIT */
#include "prog/prog_site.h"
#include "base/bucket.h"

/* How many bytes from `address` on can be read, up to `bytes`, and where they are. */
static size_t readable(const struct prog_input *input, uint64_t address, size_t bytes,
		       const uint8_t **ret)
{
	for (size_t i = 0; i < input->window_count; i++) {
		const struct prog_window *w = &input->windows[i];
		uint64_t at = address - w->address;
		if (at >= w->bytes)
			continue;
		*ret = w->data + at;
		return bytes < w->bytes - at ? bytes : w->bytes - at;
	}
	return 0;
}

static uint64_t read(const struct prog_insn *in, uint64_t a, const struct prog_input *input,
		     bool *fault)
{
	const uint8_t *from = NULL;
	uint64_t value = 0;
	if (readable(input, a, in->bytes, &from) < in->bytes) {
		*fault |= in->op == PROG_READ || in->op == PROG_READ_S;
		return 0;
	}
	__builtin_memcpy(&value, from, in->bytes);
	return prog_extend(value, in->bytes, in->op == PROG_PEEK_S || in->op == PROG_READ_S);
}

/* R9: what can be read of it; the rest is 0, and a text ends within its bytes. */
static void copy(const struct prog_insn *in, uint64_t a, const struct prog_input *input,
		 uint8_t *to, bool *fault)
{
	const uint8_t *from = NULL;
	bool is_text = in->op == PROG_PUT_TEXT;
	size_t bytes = is_text ? in->bytes - 1 : in->bytes;
	size_t there = readable(input, a, bytes, &from), i = 0;
	__builtin_memset(to, 0, in->bytes);
	for (; i < there && (from[i] || !is_text); i++)
		to[i] = from[i];
	*fault |= i == there && there < bytes;
}

static void put(const struct prog_insn *in, uint64_t a, const struct prog_input *input, bool *fault)
{
	if (in->at > input->output_bytes || in->bytes > input->output_bytes - in->at)
		return;
	uint8_t *to = input->output + in->at;
	if (in->op != PROG_PUT) {
		copy(in, a, input, to, fault);
		return;
	}
	for (uint32_t i = 0; i < in->bytes; i++)
		to[i] = (uint8_t)(a >> (8 * i));
}

static struct prog_cell *find(struct prog_cells *cells, uint32_t at, uint64_t key)
{
	for (uint32_t i = 0; cells && i < cells->count; i++) {
		if (cells->items[i].at == at && cells->items[i].key == key)
			return &cells->items[i];
	}
	return NULL;
}

/* The one with this key, made if need be; NULL without room. */
static struct prog_cell *take(struct prog_cells *cells, uint32_t at, uint64_t key)
{
	struct prog_cell *cell = find(cells, at, key);
	if (cell || !cells || cells->count == PROG_CELLS_MAX)
		return cell;
	cell = &cells->items[cells->count++];
	*cell = (struct prog_cell){.key = key, .at = at};
	return cell;
}

static uint64_t leave(const struct prog_insn *in, uint64_t a, const struct prog_input *input,
		      bool *fault)
{
	struct prog_cell *cell = find(input->cells, in->at, a);
	if (!cell) {
		*fault = true;
		return 0;
	}
	uint64_t ticks = input->now_ticks - cell->value;
	*cell = input->cells->items[--input->cells->count];
	return ticks;
}

static uint64_t keep(const struct prog_insn *in, uint64_t a, const struct prog_input *input,
		     bool *fault)
{
	if (in->op == PROG_LEAVE)
		return leave(in, a, input, fault);
	uint64_t key = in->op == PROG_HIST ? bucket_of(a) : a;
	struct prog_cell *cell = take(input->cells, in->at, key);
	if (cell)
		cell->value = in->op == PROG_ENTER ? input->now_ticks : cell->value + 1;
	return 0;
}

uint64_t prog_site_run(const struct prog_insn *in, uint64_t a, const struct prog_input *input,
		       bool *fault)
{
	bool faulted = *fault;
	switch (in->op) {
	case PROG_REG:
		return input->regs ? input->regs[in->at] : 0;
	case PROG_FAULT:
		*fault = false;
		return faulted;
	case PROG_PUT:
	case PROG_PUT_TEXT:
	case PROG_PUT_BYTES:
		put(in, a, input, fault);
		return 0;
	case PROG_COUNT:
	case PROG_HIST:
	case PROG_ENTER:
	case PROG_LEAVE:
		return keep(in, a, input, fault);
	default:
		return read(in, a, input, fault);
	}
}
