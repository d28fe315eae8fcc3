/* SPDX-License-Identifier: MIT */
/*
 * Who or what the waits in a tally's tree were for, in the end: its leaves, gathered by what they
 * are and not by who waited. A lock holder who waits for a disk is not blamed; the disk is.
 */
#ifndef CAIRN_ANALYSIS_BLAME_H
#define CAIRN_ANALYSIS_BLAME_H

#include "analysis/tally.h"

struct blame_key {
	unsigned kind; /* enum segment_kind, TALLY_BEHIND instead of QUEUE */
	const struct thread
		*thread; /* who had the cpu or is not known to have done what; else NULL */
	uint32_t site;   /* where it was; of a device where it was waited for; or 0 */
	uint64_t object; /* a device and its operation, a work's function, … */
	bool idle;       /* BEHIND: nobody had the cpu */
};

struct blame {
	struct blame_key key;
	uint64_t total_ns, count;
	const struct tally *longest; /* the leaf with the longest piece, … */
	const struct thread *thread; /* … and who that was; NULL for devices */
	bool others;                 /* of other threads as well */
};

struct blames {
	ARRAY(struct blame) rows; /* most time first */
	struct map by_key;
	bool failed; /* no memory */
};

/* The tree must outlive them. */
void blames_init(struct blames *b, const struct tallies *t);
void blames_deinit(struct blames *b);

#endif
