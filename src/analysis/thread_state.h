/* SPDX-License-Identifier: MIT */
/*
 * What each thread did at every moment: running, runnable in a queue, or blocked; and where the
 * recording cannot say, unknown.
 *
 * R1  run + queue + blocked + unknown = the thread's lifetime inside the recording.
 * R2  Time in a gap of the cpu a thread ran on, or of any cpu while it did not run, is unknown.
 * R3  A believed state that an event contradicts holds up to the first gap since it began;
 *     without a gap it never held. What follows is unknown.
 * R4  A sleep ends with the first waking after the thread went to sleep; without one, with the
 *     last waking while it still ran (the two raced). No tolerance of time anywhere.
 *
 * `inferred_ns` is the part of the known time that rests on no event at its beginning or end.
 */
#ifndef CAIRN_ANALYSIS_THREAD_STATE_H
#define CAIRN_ANALYSIS_THREAD_STATE_H

#include "analysis/causes.h"
#include "analysis/losses.h"
#include "analysis/sites.h"

enum thread_state {
	THREAD_UNSEEN,
	THREAD_RUNNING,
	THREAD_QUEUED,
	THREAD_BLOCKED,
	THREAD_UNKNOWN,
	THREAD_DEAD,
	THREAD_STATES
};

enum certainty { CERTAIN_EXACT, CERTAIN_INFERRED, CERTAIN_UNKNOWN };

struct wake {
	uint64_t at_ns; /* 0: none seen */
	struct cause cause;
};

struct thread_times {
	uint64_t state_ns[THREAD_STATES]; /* of RUNNING, QUEUED, BLOCKED and UNKNOWN */
	uint64_t inferred_ns;
	uint64_t queue_ns_max; /* after a waking */
	uint64_t sleeps, preemptions;
};

/* A thread went to sleep, was woken, and ran again. */
struct sleep {
	struct thread *thread;
	uint64_t from_ns;  /* switched out */
	uint64_t woken_ns; /* = run_ns when no waking is known */
	uint64_t run_ns;   /* switched in; of an open sleep the recording's end */
	bool open;         /* nobody had woken it when the recording ended */
	enum certainty certainty;
	uint16_t task_state; /* enum task_state */
	uint32_t site;       /* 0 when unknown */
	int32_t syscall;     /* where system calls were recorded; else the site tells, or −1 */
	uint64_t arg;        /* the system call's first argument, where there is a site */
	struct cause cause;
};

/* A piece of a thread's time in one state; one follows the other without a gap or overlap. */
struct stretch {
	struct thread *thread;
	enum thread_state state;  /* RUNNING, QUEUED, BLOCKED or UNKNOWN */
	enum certainty certainty; /* but for gaps, which may be told only later */
	uint64_t from_ns, to_ns;
	int32_t cpu; /* where it runs, or for which it queues */
	bool woken;  /* QUEUED: after a waking or birth, or nobody knows; else preempted */
	const struct sleep *sleep; /* BLOCKED: as far as it is known by then; or NULL */
	const struct cause *cause; /* BLOCKED: what ended it; NULL when unknown */
};

/* Whoever wants to hear of them. All return 0 or -ENOMEM. */
struct states_listener {
	void *context;
	int (*spent)(void *context, const struct stretch *stretch);
	int (*slept)(void *context, const struct sleep *sleep);
	/* A woken or new thread got its cpu, exactly known. */
	int (*queued)(void *context, struct thread *thread, uint64_t from_ns, uint64_t to_ns);
};

enum { STATES_LISTENERS_MAX = 8 };

struct activity {
	struct thread *thread;
	enum thread_state state;
	int32_t cpu; /* where it runs, or where it ran or will run */
	uint64_t since_ns;
	bool sleeping;      /* `sleep` is under way or waits for its cpu */
	bool woken;         /* in the queue because of a waking */
	int32_t in_syscall; /* one more than the number, where all system calls were recorded */
	struct wake early;  /* the last waking while it ran */
	enum thread_state guess; /* of UNKNOWN: what it may have been; UNSEEN: no idea */
	const struct cause *guess_cause;
	struct sleep sleep;
	enum thread_state before; /* what it seems to have done before its first event */
	uint64_t before_ns;
	uint64_t begin_ns, end_ns; /* its lifetime in the recording, once finished */
	struct thread_times times;
};

struct states_cpu {
	bool seen;              /* a switch */
	struct thread *current; /* NULL: idle or unknown */
};

struct states {
	const struct story *story;
	struct threads *threads;
	struct losses *losses;
	struct sites *sites;
	struct causes *causes;
	ARRAY(struct activity) by_thread; /* thread->index */
	ARRAY(struct states_cpu) cpus;
	uint64_t switches, wakings;
	uint64_t contradictions; /* events that another, unrecorded one must have come before */
	struct states_listener listeners[STATES_LISTENERS_MAX];
	unsigned listener_count;
	bool failed; /* a listener had no memory */
};

/*
 * More than one event in a hundred contradicts the others: switches are missing everywhere, and
 * nothing says where.
 */
bool states_leak(const struct states *s);

void states_listen(struct states *s, struct states_listener listener);

/* What a thread did; zeros for one without events. Valid when the run has ended. */
const struct activity *states_of(const struct states *s, const struct thread *thread);

#endif
