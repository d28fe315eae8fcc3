/* SPDX-License-Identifier: MIT */
/*
 * One timeline: from the cpu's time-stamp counter to CLOCK_MONOTONIC, with the error stated.
 *
 * An anchor is one moment on all clocks, as tight as the best of a few tries. Between two anchors
 * time is a straight line; NTP bends CLOCK_MONOTONIC, so anchors are taken about every second, and
 * the bend seen between neighbouring lines is part of the stated error.
 */
#ifndef CAIRN_KERNEL_CLOCK_H
#define CAIRN_KERNEL_CLOCK_H

#include "util/array.h"
#include "util/err.h"

#include <stdbool.h>
#include <stdint.h>

struct clock_anchor {
	uint64_t tsc; /* the monotonic clock itself where there is no usable counter */
	uint64_t monotonic_ns;
	uint64_t monotonic_raw_ns;
	uint64_t realtime_ns;
	uint64_t window_ns; /* the counter was read within a window this wide around the clock */
};

struct clock_line {
	ARRAY(struct clock_anchor) anchors; /* in order of time */
};

/*
 * 0 when the counter runs at one rate on all cpus and in all sleep states, and the kernel trusts
 * it; -ENOTSUP and a sentence otherwise.
 */
int clock_check(struct err *e);

/* The same from the text of /proc/cpuinfo and the current clock source's name. */
int clock_judge(const char *cpuinfo, const char *source, struct err *e);

uint64_t clock_tsc(void); /* of this cpu, now; 0 on machines without one */

/* The tightest of `tries`; `use_tsc` is whether clock_check() was fine. */
void clock_anchor_take(struct clock_anchor *ret, unsigned tries, bool use_tsc);

/* In order of time; one that is not later than the last is left out. 0 or -ENOMEM. */
int clock_line_add(struct clock_line *line, const struct clock_anchor *anchor);
void clock_line_deinit(struct clock_line *line);

/*
 * The monotonic time at a counter value, and how far it may be off. Outside the anchors the line
 * goes on, and the error grows with the distance. False with fewer than two anchors.
 */
bool clock_line_find(const struct clock_line *line, uint64_t tsc, uint64_t *ns_ret,
		     uint64_t *error_ns_ret);

#endif
