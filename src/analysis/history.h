/* SPDX-License-Identifier: MIT */
/*
 * What every thread did from the beginning to the end of a recording, kept so that it can be
 * walked backwards: analysis/path.h asks "and why was that?" of it.
 *
 * A thread's history is a list of spans without gaps or overlaps. A span in which it slept says
 * where and what ended it; a worker's history also has the work it did and who had queued that; a
 * cpu's has who ran on it. Some 50 bytes an event; behind HISTORY_SPANS_MAX nothing more is kept,
 * and `full_ns` says from when on.
 */
#ifndef CAIRN_ANALYSIS_HISTORY_H
#define CAIRN_ANALYSIS_HISTORY_H

#include "analysis/thread_state.h"

enum { HISTORY_SPANS_MAX = 128 << 20, HISTORY_CPUS_MAX = 4096 };

struct span {
	uint64_t to_ns; /* from the end of the span before */
	uint32_t rest;  /* BLOCKED: one more than its index in `rests`; 0: nothing is known */
	int16_t cpu;
	uint8_t state; /* enum thread_state */
	uint8_t certainty : 4;
	uint8_t woken : 4; /* QUEUED: after a waking; else it was preempted */
};
_Static_assert(sizeof(struct span) == 16, "there is one for each event");

/* A sleep, and what ended it in the shape that most have: a thread woke it. */
struct rest {
	uint64_t arg;
	uint32_t site;
	uint32_t waker; /* one more than the thread's index; 0: see `why` */
	uint32_t waker_site;
	uint32_t why; /* one more than an index in `reasons`; 0: unknown */
	int16_t syscall;
	uint16_t task_state; /* enum task_state */
};

/* A cause that is more than a thread's waking, and one hop further back. */
struct reason {
	struct cause cause;
	uint32_t why; /* one more than an index in `reasons`; 0: unknown */
};

/* A work item that a worker did. */
struct errand {
	uint64_t from_ns, to_ns;
	uint64_t function;
	uint32_t why; /* what queued it, when: one more than an index in `reasons`; 0: unknown */
};

struct tenancy {
	uint64_t from_ns;
	uint32_t tenant; /* one more than the thread's index; 0: idle */
	bool doubtful;   /* another one left at its end: a switch in between was not seen */
};

struct cpu_history {
	ARRAY(struct tenancy) tenancies;
};

struct thread_history {
	uint64_t begin_ns; /* of the first span */
	struct thread *parent;
	ARRAY(struct span) spans;
	ARRAY(struct errand) errands;
};

struct history {
	const struct story *story;
	struct threads *threads;
	const struct losses *losses;
	const struct states *states;
	const struct causes *causes;
	const struct sites *sites;
	uint64_t span_count;
	uint64_t full_ns;                       /* 0: all was kept */
	ARRAY(struct thread_history) by_thread; /* thread->index */
	ARRAY(struct rest) rests;
	ARRAY(struct reason) reasons;
	struct map numbers; /* number of a kept cause → one more than its index in `reasons` */
	ARRAY(struct cpu_history) cpus;
};

/* NULL when nothing was kept of it. */
const struct thread_history *history_of(const struct history *h, const struct thread *thread);

/* The index of the span that holds the moment just before `at`; SIZE_MAX when none does. */
size_t history_span_at(const struct thread_history *t, uint64_t at_ns);

static inline uint64_t span_from(const struct thread_history *t, size_t index)
{
	return index ? t->spans.items[index - 1].to_ns : t->begin_ns;
}

/* The sleep that a BLOCKED span is, with its cause. Returns the cause's own reason, see `why`. */
uint32_t history_sleep(const struct history *h, struct thread *thread, size_t span,
		       struct sleep *ret);

/* NULL for 0. */
const struct reason *history_reason(const struct history *h, uint32_t why);

/* The work the thread was doing just before `at`, NULL without. */
const struct errand *history_errand(const struct history *h, const struct thread *thread,
				    uint64_t at_ns);

/* Nothing contradicts that the thread ran just before `at`. */
bool history_ran(const struct history *h, const struct thread *thread, uint64_t at_ns);

/* Who ran on the cpu just before `at`; NULL when nothing is known. */
const struct tenancy *history_tenancy(const struct history *h, int32_t cpu, uint64_t at_ns);

/* NULL when the cpu was idle. */
static inline const struct thread *history_tenant(const struct history *h, const struct tenancy *t)
{
	return t->tenant ? h->threads->all.items[t->tenant - 1] : NULL;
}

#endif
