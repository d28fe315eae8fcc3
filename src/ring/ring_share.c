/* SPDX-License-Identifier: MIT */
#include "ring/ring_share.h"

static bool is_power(uint64_t value)
{
	return value && !(value & (value - 1));
}

bool ring_share_check(const struct ring_share *share, uint64_t bytes)
{
	if (bytes < RING_DATA_AT || share->magic != RING_SHARE_MAGIC ||
	    share->version != RING_SHARE_VERSION)
		return false;
	if (!share->cpus || share->cpus > RING_CPUS_MAX || share->lanes > RING_LANES_MAX)
		return false;
	if (!is_power(share->ring_bytes) || !is_power(share->subbuf_bytes) ||
	    share->subbuf_bytes < 2 * sizeof(struct ring_packet) ||
	    share->ring_bytes / 4 < share->subbuf_bytes || share->ring_bytes >> 40)
		return false;
	return share->pattern_bytes <= RING_PATTERN_BYTES &&
	       bytes >= ring_share_bytes(share->cpus + share->lanes, share->ring_bytes);
}

void ring_share_start(struct ring_share *share)
{
	struct ring_line *lines = ring_share_lines(share);
	for (uint32_t i = 0; i < share->cpus + share->lanes; i++) {
		/* No event fits here any more, so that the first one begins a packet. */
		lines[i].head = share->ring_bytes - 8;
		lines[i].drained = share->ring_bytes / share->subbuf_bytes;
	}
}

/* The kind with this hash, claimed if need be; −1 when all are taken. */
static int find_kind(struct ring_kind *kinds, uint64_t hash)
{
	const unsigned count = RING_KINDS_MAX - RING_ID_FIRST;
	for (unsigned i = 0; i < count; i++) {
		unsigned id = RING_ID_FIRST + (unsigned)((hash + i) % count);
		uint64_t free = 0;
		if (__atomic_compare_exchange_n(&kinds[id].hash, &free, hash, false,
						__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
		    free == hash)
			return (int)id;
	}
	return -1;
}

/* Room among the descriptions, from the start plus 1; 0 without. */
static uint32_t take_text(struct ring_share *share, uint32_t bytes)
{
	uint32_t used = __atomic_load_n(&share->text_used, __ATOMIC_RELAXED);
	do {
		if (used > RING_TEXT_BYTES || bytes > RING_TEXT_BYTES - used)
			return 0;
	} while (!__atomic_compare_exchange_n(&share->text_used, &used, used + bytes, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return used + 1;
}

int ring_share_id(struct ring_share *share, uint64_t hash, const void *description, uint32_t bytes)
{
	int id = find_kind(ring_share_kinds(share), hash);
	if (id < 0)
		return -1;
	struct ring_kind *kind = &ring_share_kinds(share)[id];
	if (__atomic_load_n(&kind->place, __ATOMIC_ACQUIRE))
		return id;
	/* Who claimed it may have been killed before this; two who write it write the same. */
	uint32_t place = take_text(share, bytes);
	if (!place)
		return -1;
	char *text = ring_share_text(share) + place - 1;
	for (uint32_t i = 0; i < bytes; i++)
		text[i] = ((const char *)description)[i];
	__atomic_store_n(&kind->bytes, bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&kind->place, place, __ATOMIC_RELEASE); /* pairs with the reader's */
	return id;
}
