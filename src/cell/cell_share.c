/* SPDX-License-Identifier: MIT */
#include "cell/cell_share.h"

static bool is_power(uint32_t value)
{
	return value && !(value & (value - 1));
}

static bool plan_ok(const struct cell_plan *plan)
{
	if (plan->kind == CELL_HIST)
		return plan->slots == 0;
	return (plan->kind == CELL_COUNT || plan->kind == CELL_TIME) && is_power(plan->slots) &&
	       plan->slots >= CELL_TRIES && plan->slots <= CELL_SLOTS_MAX;
}

static uint64_t lines_bytes(const struct cell_plan *plan, uint32_t lines)
{
	return plan->kind == CELL_COUNT  ? (lines + 1ull) * CELL_LINE_BYTES
	       : plan->kind == CELL_HIST ? (uint64_t)lines * CELL_HIST_BYTES
					 : 0;
}

static uint64_t slots_bytes(const struct cell_plan *plan)
{
	return plan->slots * (plan->kind == CELL_COUNT ? sizeof(struct cell_key_slot)
						       : sizeof(struct cell_time_slot));
}

enum { DATA_AT = (sizeof(struct cell_share) / CELL_LINE_BYTES + 1) * CELL_LINE_BYTES };

uint64_t cell_share_bytes(const struct cell_plan *plans, uint32_t count, uint32_t lines)
{
	uint64_t bytes = DATA_AT;
	if (count > CELL_MAX || !is_power(lines) || lines > CELL_LINES_MAX)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		if (!plan_ok(&plans[i]))
			return 0;
		bytes += lines_bytes(&plans[i], lines) + slots_bytes(&plans[i]);
	}
	return bytes;
}

void cell_share_start(struct cell_share *share, const struct cell_plan *plans, uint32_t count,
		      uint32_t lines)
{
	uint64_t at = DATA_AT;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t self = offsetof(struct cell_share, cells) + i * sizeof(struct cell);
		struct cell *c = &share->cells[i];
		c->kind = plans[i].kind;
		c->line_mask = lines - 1;
		c->slot_mask = plans[i].slots ? plans[i].slots - 1 : 0;
		c->lines_at = at - self;
		at += lines_bytes(&plans[i], lines);
		c->slots_at = at - self;
		at += slots_bytes(&plans[i]);
	}
	share->count = count;
	share->bytes = at;
	share->version = CELL_SHARE_VERSION;
	share->magic = CELL_SHARE_MAGIC;
}
