/* SPDX-License-Identifier: MIT */
/* Sizes by powers of two: bucket 0 holds 0, bucket n holds 2^(n-1) up to 2^n - 1. */
#ifndef CAIRN_BASE_BUCKET_H
#define CAIRN_BASE_BUCKET_H

#include <stdint.h>

enum { BUCKETS = 65 };

static inline unsigned bucket_of(uint64_t value)
{
	return value ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

#endif
