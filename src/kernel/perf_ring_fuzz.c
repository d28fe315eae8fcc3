/* SPDX-License-Identifier: MIT */
/* Any bytes as a perf ring, from any position: raw data lie in the ring or in the walk's copy. */
#include "kernel/perf_ring.h"

#include <stdlib.h>
#include <string.h>

enum { RING_BYTES = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct perf_walk w;
	static uint64_t ring[RING_BYTES / 8];
	struct perf_record record;
	if (size < 2)
		return 0;
	memset(ring, 0, sizeof(ring));
	memcpy(ring, data + 2, size - 2 < RING_BYTES ? size - 2 : RING_BYTES);
	w.data = (const uint8_t *)ring;
	w.bytes = RING_BYTES;
	w.at = (uint64_t)data[0] * 8;
	w.end = w.at + (uint64_t)(data[1] % 129) * 8;
	for (size_t records = 0; perf_walk_next(&w, &record) == 1; records++) {
		const uint8_t *raw = record.raw;
		const uint8_t *base = raw >= w.data && raw < w.data + RING_BYTES
					      ? w.data
					      : (const uint8_t *)w.record;
		if (records > RING_BYTES / 8 ||
		    (record.kind == PERF_SAMPLED && raw &&
		     (raw < base || raw + record.raw_bytes > base + RING_BYTES)))
			abort();
	}
	return 0;
}
