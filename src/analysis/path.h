/* SPDX-License-Identifier: MIT */
/*
 * Why an interval of a thread's time took as long as it did: the interval as segments, and each
 * wait in it as the segments of what it waited for, and so on down.
 *
 * P1  Segments follow each other without gaps or overlaps and cover the interval; the children of
 *     a wait cover it. So the leaves add up to the interval, whatever the trace looks like.
 * P2  A wait is followed to what ended it, and from there backwards, never before the wait began:
 *     to the thread that woke and what it did meanwhile, through softirqs to who raised them,
 *     disk requests to who issued them, work items to who queued them, births to the parent. A
 *     waker who had itself waited in line for the same lock is passed over to who had it before.
 * P3  A segment is exact only if no event was lost that could make it wrong: none on any cpu
 *     within it, and none on the way from the end of the wait back to it.
 * P4  It ends: a thread that already waits further up is not entered again, depth and number of
 *     segments are bounded, and what is not looked into says so.
 *
 * The idea is Giraldeau and Dagenais' (Wait Analysis of Distributed Systems Using Kernel Tracing,
 * 2016), with the edges through softirqs, requests and work items followed.
 */
#ifndef CAIRN_ANALYSIS_PATH_H
#define CAIRN_ANALYSIS_PATH_H

#include "analysis/history.h"
#include "util/arena.h"

enum { PATH_DEPTH_MAX = 64, PATH_SEGMENTS_MAX = 1 << 20 };

enum segment_kind {
	SEGMENT_RUN,
	SEGMENT_QUEUE,   /* runnable, while its cpu did something else */
	SEGMENT_BLOCKED, /* its children say by what; a leaf where that is not looked into */
	SEGMENT_DEVICE,  /* a disk request was under way */
	SEGMENT_TIMER,   /* nothing to do before a time came */
	SEGMENT_IRQ,     /* until an interrupt from outside */
	SEGMENT_SOFTIRQ, /* raised and not yet run; or nobody knows who raised it */
	SEGMENT_WORK,    /* queued, and no worker had begun it */
	SEGMENT_UNKNOWN,
	SEGMENT_KINDS
};

struct segment {
	struct segment *next, *children; /* in order of time */
	uint64_t from_ns, to_ns;
	enum segment_kind kind;
	enum certainty certainty;
	struct thread *thread;       /* whose time it was; of DEVICE the issuer's; or NULL */
	int32_t cpu;                 /* of RUN and QUEUE */
	bool woken;                  /* QUEUE: after a waking; else it was preempted */
	bool idle;                   /* QUEUE: the cpu had nothing else to do */
	const struct thread *tenant; /* QUEUE: who ran on its cpu, NULL when idle or unknown */
	uint32_t site;               /* RUN on somebody's behalf: where it ended that one's wait */
	const struct sleep *sleep;   /* BLOCKED, with its cause */
	const struct cause *cause; /* DEVICE, TIMER, IRQ, SOFTIRQ: it; WORK: who queued, or NULL */
	uint64_t function;         /* WORK: the work's */
};

struct path {
	struct segment *first;
	uint64_t from_ns, to_ns;
	bool cut; /* some waits were not looked into: deeper or more than may be */
};

/*
 * The interval is cut to what the recording has of the thread. Once there are `segments_max`,
 * waits are not looked into any more (0: none is). Segments live in the arena, what
 * they point to in the history. 0 or -ENOMEM.
 */
int path_explain(const struct history *h, struct thread *thread, uint64_t from_ns, uint64_t to_ns,
		 uint32_t segments_max, struct arena *arena, struct path *ret);

const char *segment_kind_name(enum segment_kind kind);

static inline uint64_t segment_ns(const struct segment *s)
{
	return s->to_ns - s->from_ns;
}

#endif
