/* SPDX-License-Identifier: MIT */
#include "analysis/histogram.h"

/* The first 16 buckets hold one value each; then every power of two has 16 equal steps. */
unsigned histogram_bucket(uint64_t value)
{
	if (value < 1u << HISTOGRAM_STEP_BITS)
		return (unsigned)value;
	unsigned octave = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_STEP_BITS;
	return ((octave + 1) << HISTOGRAM_STEP_BITS) +
	       (unsigned)(value >> octave & ((1u << HISTOGRAM_STEP_BITS) - 1));
}

static uint64_t bucket_last(unsigned bucket)
{
	if (bucket < 1u << HISTOGRAM_STEP_BITS)
		return bucket;
	unsigned octave = (bucket >> HISTOGRAM_STEP_BITS) - 1;
	uint64_t step = bucket & ((1u << HISTOGRAM_STEP_BITS) - 1);
	uint64_t first = ((uint64_t)(1u << HISTOGRAM_STEP_BITS) + step) << octave;
	return first + (((uint64_t)1 << octave) - 1);
}

void histogram_add(struct histogram *h, uint64_t value)
{
	uint32_t *bucket = &h->buckets[histogram_bucket(value)];
	*bucket += *bucket != UINT32_MAX;
	h->count++;
	h->total += value;
	if (value > h->max)
		h->max = value;
}

uint64_t histogram_quantile(const struct histogram *h, unsigned per_mille)
{
	uint64_t wanted = (h->count * per_mille + 999) / 1000, seen = 0;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen >= wanted && seen)
			return bucket_last(i) < h->max ? bucket_last(i) : h->max;
	}
	return h->max;
}
