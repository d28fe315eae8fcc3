/* SPDX-License-Identifier: MIT */
/*
 * Synthetic traces with known truth: a small deterministic machine that writes the events a
 * kernel's recorder would have written, and knows by itself what each thread's time went to.
 *
 * Cpus with run queues, threads with scripted lives, disks, timers and kernel workers are
 * simulated forward from a seed. The truth is kept by the things waited for (who owns this lock
 * now, where is this request now), never found backward from wake-ups.
 *
 * T1  Same options, same events and same truth, on every machine.
 * T2  Truths tile the time: at each moment from begin to end a thread has exactly one.
 * T3  synth_source() simulates again while it is read: a long trace needs no memory.
 */
#ifndef CAIRN_TESTS_SYNTH_H
#define CAIRN_TESTS_SYNTH_H

#include "event/source.h"

enum { SYNTH_CPUS_MAX = 64 };

/* What threads do to each other; any of them at once. */
enum synth_scenario {
	SYNTH_PIPE = 1 << 0,     /* a chain of threads handing on through pipes with little room */
	SYNTH_PTY = 1 << 1,      /* writer → work on the line → reader, and its echo back */
	SYNTH_CONVOY = 1 << 2,   /* a lock handed on first come, first served */
	SYNTH_BARGING = 1 << 3,  /* a lock that whoever runs first takes */
	SYNTH_TCP = 1 << 4,      /* request and reply over loopback, through NET_RX */
	SYNTH_EPOLL = 1 << 5,    /* one server, several clients */
	SYNTH_FSYNC = 1 << 6,    /* write and flush: by the thread, a worker, or a journal thread */
	SYNTH_TIMER = 1 << 7,    /* sleeps by choice: hrtimers, and timers in the TIMER softirq */
	SYNTH_FORK = 1 << 8,     /* fork, exec, exit, wait */
	SYNTH_WORK = 1 << 9,     /* work items that queue for busy workers, some sleep on a disk */
	SYNTH_SOFTIRQ = 1 << 10, /* tasklets between threads, now and then left to ksoftirqd */
	SYNTH_HOGS = 1 << 11,    /* threads that only compute, more than there are cpus */
	SYNTH_INVERSION = 1 << 12, /* low has the lock, middle the cpu, high waits */
	SYNTH_MIGRATION = 1 << 13, /* short bursts and naps: threads move all the time */
	SYNTH_OFFLINE = 1 << 14,   /* the last cpu goes away a third into duration_ns */
	SYNTH_NETWORK = 1 << 15, /* packets from outside: irq → NET_RX → server → its helper */
	SYNTH_ALL = (1 << 16) - 1,
};

struct synth_options {
	unsigned scenarios; /* enum synth_scenario, or-ed */
	uint64_t seed;
	unsigned cpus;        /* 1 to SYNTH_CPUS_MAX; 0: 4 */
	uint64_t duration_ns; /* 0: no limit but `events`; both 0: one second */
	uint64_t events;      /* 0: no limit but the duration */
	unsigned threads;     /* a scenario's size: links of its chain, its clients; 0: 4 */
	bool blind;           /* keep no truth: for long streams that only measure */
};

enum synth_truth_kind {
	TRUTH_UNBORN,
	TRUTH_DEAD,
	TRUTH_RUN,    /* `tid` was the running thread, with all that interrupted it */
	TRUTH_QUEUE,  /* `tid` was runnable; `detail` had the cpu it waited for, 0: idle still */
	TRUTH_DEVICE, /* a request on the disk `detail` (its dev) was under way */
	TRUTH_TIMER,  /* `tid` slept by choice */
	TRUTH_WORK_QUEUED, /* the work item `detail` was queued and had not started */
	TRUTH_IRQ,         /* nothing inside this machine: a packet that had not come yet */
	TRUTH_SOFTIRQ, /* softirq `detail` was raised, left to ksoftirqd, and had not woken yet */
	TRUTH_OPEN,    /* `tid` waited for what does not happen before the end */
	TRUTH_KINDS
};

/*
 * What a thread's time ultimately went to. `tid` is the last thread of the chain: the one that
 * ran, queued, or waited for the device itself.
 */
struct synth_truth {
	enum synth_truth_kind kind;
	int32_t tid;
	uint64_t detail;
};

struct synth_thread {
	int32_t tid;
	int32_t pid;
	unsigned scenario; /* 0: a kernel thread of the machine's own */
	char comm[16];
};

struct synth;

/* Runs the whole simulation once; *ret is the caller's. */
int synth_create(struct synth **ret, const struct synth_options *options, struct err *e);
void synth_destroy(struct synth *s);

/* The events from the beginning; as often as wanted, several at a time. Outlives `s`. */
int synth_source(const struct synth *s, struct source **ret, struct err *e);

uint64_t synth_begin_ns(const struct synth *s);
uint64_t synth_end_ns(const struct synth *s);
uint64_t synth_event_count(const struct synth *s);

/* All threads there ever were, in the order of their making; NULL after the last. */
const struct synth_thread *synth_thread(const struct synth *s, size_t index);

struct synth_truth synth_truth(const struct synth *s, int32_t tid, uint64_t at_ns);

/*
 * The end of the piece of truth that holds `at_ns`: nothing synth_truth() says of this thread
 * changes before it. At most synth_end_ns(); always later than an `at_ns` before that.
 */
uint64_t synth_truth_next(const struct synth *s, int32_t tid, uint64_t at_ns);

/*
 * Damage, as sources around a source: each takes `inner` over, also when it fails.
 * A fraction is given in events of a thousand. The state dump is never damaged.
 */

/* Drops events at random and does not say so. */
int synth_drop_silently(struct source **ret, struct source *inner, unsigned per_mille,
			uint64_t seed, struct err *e);

/* Drops events at random; each run of them is a lost_events at the cpu's next kept event. */
int synth_drop_declared(struct source **ret, struct source *inner, unsigned per_mille,
			uint64_t seed, struct err *e);

/* Drops all of one cpu's events in [from, to), and says so at its next event (or at the end). */
int synth_lose_window(struct source **ret, struct source *inner, int32_t cpu, uint64_t from_ns,
		      uint64_t to_ns, struct err *e);

/* Keeps [from, to) only: a recording that began late or ended early. */
int synth_cut(struct source **ret, struct source *inner, uint64_t from_ns, uint64_t to_ns,
	      struct err *e);

#endif
