/* SPDX-License-Identifier: MIT */
/*
 * The tracepoints of one stream on all cpus as perf events: a ring for each cpu, into the recoder.
 */
#ifndef CAIRN_KERNEL_PERF_LANE_H
#define CAIRN_KERNEL_PERF_LANE_H

#include "kernel/perf_ring.h"
#include "kernel/recode.h"

struct perf_cpu {
	struct perf_ring ring; /* its map is NULL for a cpu that is not there */
	int *fds;              /* [fd_count]; the first one's buffer takes all samples */
	size_t fd_count;
	uint64_t pending; /* losses the next sample stands behind */
	uint64_t told;    /* losses found in the ring's records */
};

struct perf_lane {
	struct recode *recode;
	enum recorder_stream stream;
	struct perf_cpu *cpus;
	struct perf_walk *walk;
	bool counts_losses; /* the kernel says what it lost, also without a record behind */
};

/* Opens the recoder's events of that stream, disabled. `backward`: a flight recorder's. */
int perf_lane_open(struct perf_lane *l, const struct plan *plan, enum recorder_stream stream,
		   size_t ring_bytes, bool backward, struct recode *recode, struct err *e);
void perf_lane_close(struct perf_lane *l);

int perf_lane_switch(struct perf_lane *l, bool on, struct err *e);

/* Recodes what came since the last call; `all` also tells losses that nothing came after. */
int perf_lane_drain(struct perf_lane *l, bool all, struct err *e);

/* Recodes all that backward rings hold. */
int perf_lane_snapshot(struct perf_lane *l, struct err *e);

#endif
