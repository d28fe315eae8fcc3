/* SPDX-License-Identifier: MIT */
/*
 * A log-linear histogram of durations: 16 steps an octave, so that a quantile read from it is at
 * most 1/16 above the value. Fixed size, no allocation; an all-zero histogram is empty.
 */
#ifndef CAIRN_ANALYSIS_HISTOGRAM_H
#define CAIRN_ANALYSIS_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEP_BITS = 4, HISTOGRAM_BUCKETS = (64 - HISTOGRAM_STEP_BITS + 1) << 4 };

struct histogram {
	uint64_t count;
	uint64_t total;
	uint64_t max;
	uint32_t buckets[HISTOGRAM_BUCKETS]; /* each stops counting at its maximum */
};

void histogram_add(struct histogram *h, uint64_t value);

/* Where a value is counted; below HISTOGRAM_BUCKETS. */
unsigned histogram_bucket(uint64_t value);

/*
 * The value that `per_mille` of 1000 do not exceed: the upper end of its bucket, never above the
 * maximum. 0 when the histogram is empty.
 */
uint64_t histogram_quantile(const struct histogram *h, unsigned per_mille);

static inline uint64_t histogram_mean(const struct histogram *h)
{
	return h->count ? h->total / h->count : 0;
}

#endif
