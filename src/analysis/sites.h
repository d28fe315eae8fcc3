/* SPDX-License-Identifier: MIT */
/* The places threads slept and woke others at: a system call and a user stack each. */
#ifndef CAIRN_ANALYSIS_SITES_H
#define CAIRN_ANALYSIS_SITES_H

#include "analysis/analysis.h"
#include "util/map.h"

struct site {
	uint32_t id;
	int32_t pid;
	int32_t syscall; /* −1 outside a system call */
	uint8_t flags;   /* enum site_flags */
	uint32_t count;
	uint64_t ips[]; /* innermost first; all but the first are return addresses */
};

struct sites {
	struct map by_id;
};

/* NULL when the trace never described it. */
const struct site *sites_find(const struct sites *s, uint32_t id);

#endif
