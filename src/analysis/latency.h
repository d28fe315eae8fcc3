/* SPDX-License-Identifier: MIT */
/* How long woken threads waited for a cpu: of all threads, and of the user's targets. */
#ifndef CAIRN_ANALYSIS_LATENCY_H
#define CAIRN_ANALYSIS_LATENCY_H

#include "analysis/histogram.h"
#include "analysis/thread_state.h"

struct latency_thread {
	struct thread *thread; /* NULL: never woken */
	uint64_t total_ns;
	uint64_t from_ns, to_ns; /* its longest */
};

struct latency {
	struct histogram all, targets;
	struct {
		struct thread *thread; /* NULL: none yet */
		uint64_t from_ns, to_ns;
	} longest, longest_target;
	/* Who is a target may only be told behind the events: each thread's own, until then. */
	ARRAY(struct latency_thread) by_thread; /* thread->index */
	struct map counts;                      /* by thread and bucket */
};

#endif
