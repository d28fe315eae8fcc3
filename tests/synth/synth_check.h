/* SPDX-License-Identifier: MIT */
/*
 * Is this a stream a kernel could have written? Fed event by event, it fails the running test at
 * the first that no kernel writes.
 */
#ifndef CAIRN_TESTS_SYNTH_CHECK_H
#define CAIRN_TESTS_SYNTH_CHECK_H

#include "synth_truth.h"

enum { CHECK_DEPTH_MAX = 8 };

struct check_cpu {
	int32_t tid; /* runs */
	unsigned depth;
	uint64_t open[CHECK_DEPTH_MAX]; /* kind and number of what interrupts */
};

struct check {
	uint64_t time_ns, events, switches, wakings;
	uint64_t strays; /* wakings of threads that neither slept nor ran */
	struct check_cpu cpus[SYNTH_CPUS_MAX];
	struct map runs_on;  /* tid → cpu + 1, 0 when it does not run */
	struct map asleep;   /* twice the tid; one more: it was woken while it ran */
	struct map requests; /* issued, by dev and sector */
	struct map works;    /* queued, or 2: under way */
};

void check_event(struct check *c, const struct event *e);
void check_deinit(struct check *c);

#endif
