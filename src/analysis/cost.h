/* SPDX-License-Identifier: MIT */
/* What the recording cost, by the recorder's own account. */
#ifndef CAIRN_ANALYSIS_COST_H
#define CAIRN_ANALYSIS_COST_H

#include "analysis/analysis.h"

struct cost {
	bool known;
	uint64_t cpu_ns;   /* of the tool itself */
	uint64_t probe_ns; /* inside the kernel's probes; 0 where the kernel does not tell */
	uint64_t wall_ns;
	uint64_t events, lost;
	uint64_t misses; /* events the kernel refused to show: nested ones */
};

#endif
