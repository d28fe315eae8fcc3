/* SPDX-License-Identifier: MIT */
/*
 * What the recording lost: by cpu, and when.
 *
 * A gap is a time in which a cpu's events are missing. Whoever attributes time asks how much of
 * it lies in gaps, of one cpu or of any.
 */
#ifndef CAIRN_ANALYSIS_LOSSES_H
#define CAIRN_ANALYSIS_LOSSES_H

#include "analysis/analysis.h"
#include "util/array.h"

enum { GAPS_MAX = 1 << 16, LOSSES_CPUS_MAX = 4096 };

struct gap {
	uint64_t begin_ns, end_ns;
	uint64_t events;   /* lost in it */
	uint64_t until_ns; /* length of all gaps up to this one's end */
};

/* In order of time, overlaps merged; the last one swallows what no longer fits. */
struct gaps {
	ARRAY(struct gap) list;
};

struct losses {
	struct gaps any;
	ARRAY(struct gaps) by_cpu;
	uint64_t events;
};

/* How much of [from, to) lies in gaps. */
uint64_t gaps_between(const struct gaps *g, uint64_t from_ns, uint64_t to_ns);

/* Where the first gap in [from, to) begins, `to` without one. */
uint64_t gaps_first(const struct gaps *g, uint64_t from_ns, uint64_t to_ns);

/* Where the last gap that ended by `at` ended, 0 without one. */
uint64_t gaps_last_end(const struct gaps *g, uint64_t at_ns);

/* The last gap that touches [from, to), NULL without one. */
const struct gap *gaps_last(const struct gaps *g, uint64_t from_ns, uint64_t to_ns);

/* The gaps of one cpu; of all cpus when there is no such cpu. */
const struct gaps *losses_of(const struct losses *l, int32_t cpu);

#endif
