/* SPDX-License-Identifier: MIT */
/* How each cpu spent the recording: busy with threads, idle, or not known. */
#ifndef CAIRN_ANALYSIS_CPU_TIME_H
#define CAIRN_ANALYSIS_CPU_TIME_H

#include "analysis/losses.h"

struct cpu_time {
	bool seen; /* an event of it */
	uint64_t busy_ns, idle_ns, unknown_ns;
	uint64_t switches;
	uint64_t since_ns; /* the last switch */
	int32_t tid;       /* who runs since then, EVENT_TID_UNKNOWN before the first switch */
};

struct cpu_times {
	const struct story *story;
	struct losses *losses;
	ARRAY(struct cpu_time) cpus;
};

#endif
