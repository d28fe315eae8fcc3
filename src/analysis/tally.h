/* SPDX-License-Identifier: MIT */
/*
 * Many paths as one tree: segments that tell the same are one line with their time, their number
 * and the longest of them. What a thread did on a waiter's behalf stands below a line for that
 * thread.
 *
 *	wait for a lock at checkout.c:61           412 ms, 3 times
 *	  for worker-1, which ended it at …        398 ms
 *	    fsync at journal.c:40                  371 ms
 *	      disk vda                             371 ms
 *	    ran                                     27 ms
 *
 * The children of a wait add up to it. The tree keeps nothing of the paths it was made of.
 */
#ifndef CAIRN_ANALYSIS_TALLY_H
#define CAIRN_ANALYSIS_TALLY_H

#include "analysis/path.h"

/* Beside the kinds of segments. */
enum {
	TALLY_FOR = SEGMENT_KINDS, /* what a thread did on the waiter's behalf */
	TALLY_BEHIND,              /* below QUEUE: who had the cpu meanwhile */
	TALLY_KINDS
};

enum { TALLY_LINES_MAX = 1 << 20 };

/* What makes two segments alike. */
struct tally_key {
	const struct tally *parent;
	unsigned kind;               /* enum segment_kind or one of the above */
	enum cause_kind ended;       /* BLOCKED: what ended it */
	const struct thread *thread; /* BEHIND: NULL when idle or unknown; else where it matters */
	uint32_t site;               /* BLOCKED: where it slept; FOR: where it ended the wait */
	int32_t syscall;             /* BLOCKED */
	uint64_t object; /* a system call's argument, a device, a timer's or work's function */
	bool woken;      /* QUEUE */
	bool idle;       /* BEHIND */
};

struct tally {
	struct tally *next, *children;
	struct tally_key key;
	uint64_t total_ns, count;
	uint64_t uncertain_ns; /* inferred, leaves only */
	uint64_t longest_ns;
	uint64_t at_ns;     /* when the longest began */
	uint64_t piece_ns;  /* FOR: of what is being added without another's in between */
	struct sleep sleep; /* BLOCKED: the longest */
	struct cause cause; /* the longest's, where a segment has one */
};

struct tallies {
	struct arena *arena;
	struct map by_key;
	/* The site that stands for all of its place; NULL: each for itself. */
	uint32_t (*place)(void *context, uint32_t site);
	void *context;
	struct tally root;                          /* its children are the outermost lines */
	uint64_t exact_ns, inferred_ns, unknown_ns; /* of all leaves */
	size_t line_count;
	bool failed; /* no memory */
};

int tallies_init(struct tallies *t);
void tallies_deinit(struct tallies *t);

/* Counts these segments and what is below them. */
void tallies_add(struct tallies *t, const struct segment *list);

/* Lines with most time first, at every level. */
void tallies_sort(struct tallies *t);

struct tally_options {
	uint64_t from_ns, to_ns;
	uint32_t segments_max; /* of each span's path; 0: PATH_SEGMENTS_MAX */
	/* Is this worth looking into? NULL: all. What is not stays one line. */
	bool (*enter)(void *context, const struct sleep *sleep);
	void *context;
	bool only_waits; /* leave running and what is not entered out */
};

/* The whole time of a thread between two moments. */
void tallies_add_thread(struct tallies *t, const struct history *h, struct thread *thread,
			const struct tally_options *o);

#endif
