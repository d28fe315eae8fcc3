/* SPDX-License-Identifier: MIT */
/* Inside of a path's making: the walk backwards, and the segments it leaves behind. */
#ifndef CAIRN_ANALYSIS_PATH_WALK_H
#define CAIRN_ANALYSIS_PATH_WALK_H

#include "analysis/path.h"

struct walk {
	const struct history *history;
	struct arena *arena;
	uint32_t left; /* segments that may still be made */
	bool cut, failed;
	unsigned depth;   /* of waits */
	unsigned nesting; /* of threads and errands walked */
	/* Whose waits are being looked into, and which. */
	const struct thread *waiting[PATH_DEPTH_MAX];
	const struct sleep *sleeps[PATH_DEPTH_MAX]; /* NULL: not born yet */
};

/* Segments on their way, the latest first made, and how sure the way up to here is (P3). */
struct chain {
	struct segment *first;
	enum certainty certainty;
	bool own;      /* a thread's own time: each span stands for itself */
	uint32_t site; /* where the thread now walked ended the wait */
};

/* Were events lost in this time, on this cpu, or on any (−1)? */
bool walk_lost(const struct walk *w, int32_t cpu, uint64_t from_ns, uint64_t to_ns);

/* A segment before those there are; a scratch one without memory. */
struct segment *chain_add(struct walk *w, struct chain *c, enum segment_kind kind, uint64_t from_ns,
			  uint64_t to_ns, enum certainty certainty);

/* A copy that lives as long as the segments. */
const struct cause *walk_keep_cause(struct walk *w, const struct cause *cause);

void chain_add_run(struct walk *w, struct chain *c, struct thread *thread, const struct span *span,
		   uint64_t span_from_ns, uint64_t from_ns, uint64_t to_ns);
void chain_add_queue(struct walk *w, struct chain *c, struct thread *thread,
		     const struct span *span, uint64_t from_ns, uint64_t to_ns);
void chain_add_unknown(struct walk *w, struct chain *c, struct thread *thread, uint64_t from_ns,
		       uint64_t to_ns);
void chain_add_end(struct walk *w, struct chain *c, enum segment_kind kind,
		   const struct cause *cause, uint64_t from_ns, uint64_t to_ns);

/* The time a request was under way, and when it began; `issue` is what issued it, or NULL. */
uint64_t chain_add_device(struct walk *w, struct chain *c, const struct cause *cause,
			  const struct cause *issue, uint64_t from_ns, uint64_t to_ns);

#endif
