/* SPDX-License-Identifier: MIT */
/* What a clock says, in nanoseconds: that of events (monotonic) unless another is named. */
#ifndef CAIRN_UTIL_NOW_H
#define CAIRN_UTIL_NOW_H

#include <stdint.h>
#include <time.h>

static inline uint64_t now_clock_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t now_monotonic_ns(void)
{
	return now_clock_ns(CLOCK_MONOTONIC);
}

#endif
