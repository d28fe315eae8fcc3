/* SPDX-License-Identifier: MIT */
/* Counting and timing, by whoever runs. */
#include "cell/cell_share.h"
#include "payload/payload.blob.h"

void payload_count(const struct payload_context *c, struct cell *cell, uint64_t key);
void payload_hist(const struct payload_context *c, struct cell *cell, uint64_t value);
void payload_enter(const struct payload_context *c, struct cell *cell, uint64_t frame);
struct payload_pair payload_leave(const struct payload_context *c, struct cell *cell,
				  uint64_t frame);

void payload_count(const struct payload_context *c, struct cell *cell, uint64_t key)
{
	(void)c;
	cell_count(cell, key);
}

void payload_hist(const struct payload_context *c, struct cell *cell, uint64_t value)
{
	cell_hist(cell, payload_cpu(c), value);
}

/* The time is taken last here and first below: what finding the slot takes is nobody's. */
void payload_enter(const struct payload_context *c, struct cell *cell, uint64_t frame)
{
	uint32_t tid = (uint32_t)payload_owner(c);
	if (tid)
		cell_enter(cell, tid, frame, __builtin_ia32_rdtsc());
}

struct payload_pair payload_leave(const struct payload_context *c, struct cell *cell,
				  uint64_t frame)
{
	uint64_t now = __builtin_ia32_rdtsc(), ticks;
	uint32_t tid = (uint32_t)payload_owner(c);
	if (!tid || !cell_leave(cell, tid, frame, now, &ticks))
		return (struct payload_pair){0, 1};
	return (struct payload_pair){ticks, 0};
}
