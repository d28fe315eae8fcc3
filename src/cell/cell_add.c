/* SPDX-License-Identifier: MIT */
#include "cell/cell_share.h"

static void more(uint64_t *counter, uint64_t by)
{
	__atomic_fetch_add(counter, by, __ATOMIC_RELAXED);
}

/* Numbers near each other, or multiples of a large one, come to different places. */
static uint64_t hash(uint64_t value)
{
	value ^= value >> 32;
	value *= 0x9e3779b97f4a7c15;
	return value >> 32;
}

void cell_count(struct cell *c, uint64_t key)
{
	if (key == 0) { /* C4 */
		more((uint64_t *)((uint8_t *)c + c->lines_at), 1);
		return;
	}
	struct cell_key_slot *slots = (struct cell_key_slot *)((uint8_t *)c + c->slots_at);
	for (uint64_t i = hash(key), end = i + CELL_TRIES; i < end; i++) {
		struct cell_key_slot *slot = &slots[i & c->slot_mask];
		uint64_t found = __atomic_load_n(&slot->key, __ATOMIC_RELAXED);
		/* C1 */
		if (found == 0 && __atomic_compare_exchange_n(&slot->key, &found, key, false,
							      __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			found = key;
		if (found == key) {
			more(&slot->count, 1);
			return;
		}
	}
	more(&c->lost, 1); /* C3 */
}

void cell_hist(struct cell *c, uint32_t cpu, uint64_t value)
{
	uint8_t *lines = (uint8_t *)c + c->lines_at;
	uint64_t *counters = (uint64_t *)(lines + (cpu & c->line_mask) * CELL_HIST_BYTES);
	more(&counters[bucket_of(value)], 1);
	more(&counters[BUCKETS], value);
}

static struct cell_time_slot *set(struct cell *c, uint32_t tid, uint64_t frame)
{
	struct cell_time_slot *slots = (struct cell_time_slot *)((uint8_t *)c + c->slots_at);
	return &slots[hash(frame + ((uint64_t)tid << 32)) & c->slot_mask & ~(CELL_WAYS - 1u)];
}

static struct cell_time_slot *find(struct cell_time_slot *slots, uint32_t tid, uint64_t frame)
{
	for (unsigned i = 0; i < CELL_WAYS; i++) {
		if (__atomic_load_n(&slots[i].tid, __ATOMIC_RELAXED) == tid &&
		    slots[i].frame == frame)
			return &slots[i];
	}
	return NULL;
}

/* C2. A handler that comes in between finds a slot of this thread without a frame. */
void cell_enter(struct cell *c, uint32_t tid, uint64_t frame, uint64_t ticks)
{
	struct cell_time_slot *slots = set(c, tid, frame), *slot = find(slots, tid, frame);
	for (unsigned i = 0; !slot && i < CELL_WAYS; i++) {
		uint32_t nobody = 0;
		if (__atomic_compare_exchange_n(&slots[i].tid, &nobody, tid, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			slot = &slots[i];
	}
	if (!slot) {
		more(&c->lost, 1); /* C3 */
		return;
	}
	slot->ticks = ticks;
	__atomic_signal_fence(__ATOMIC_RELEASE);
	slot->frame = frame;
}

bool cell_leave(struct cell *c, uint32_t tid, uint64_t frame, uint64_t ticks, uint64_t *ret)
{
	struct cell_time_slot *slot = find(set(c, tid, frame), tid, frame);
	if (!slot)
		return false;
	*ret = ticks - slot->ticks;
	slot->frame = 0;
	__atomic_store_n(&slot->tid, 0, __ATOMIC_RELEASE); /* pairs with cell_enter()'s */
	return true;
}
