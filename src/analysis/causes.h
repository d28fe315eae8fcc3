/* SPDX-License-Identifier: MIT */
/*
 * Why something happened now: what each cpu is doing beyond its thread, and one hop back from it.
 *
 * Interrupts, softirqs and timers nest on a cpu's stack. Each level knows its cause: a softirq
 * that was raised by a thread (a packet over loopback) happened because of that thread, an
 * interrupt that completed a disk request because of that request, a worker because of whoever
 * queued its work. What the trace does not tell stays CAUSE_UNKNOWN.
 *
 * Further hops (why that request was issued, why that work was queued) are kept aside by number
 * for as long as CAUSES_KEPT newer ones: whoever wants a whole chain copies it in time.
 */
#ifndef CAIRN_ANALYSIS_CAUSES_H
#define CAIRN_ANALYSIS_CAUSES_H

#include "analysis/threads.h"

enum { SOFTIRQS = 10, CAUSES_DEPTH_MAX = 8, WORKS_MAX = 1 << 16, CAUSES_KEPT = 1 << 14 };

enum cause_kind {
	CAUSE_UNKNOWN,
	CAUSE_TASK,
	CAUSE_TIMER,
	CAUSE_DISK,
	CAUSE_IRQ,
	CAUSE_SOFTIRQ,
	CAUSE_KINDS
};

enum disk_op { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_DISCARD, DISK_OTHER, DISK_OPS };

struct disk_request {
	uint32_t dev;
	enum disk_op op;
	uint32_t bytes;
	uint64_t sector;
	uint64_t issue_ns, done_ns;
	struct thread *issuer; /* who sent it to the disk, NULL when unknown */
	uint64_t why;          /* causes_kept(): what issued it; 0 when unknown */
	bool shared;           /* another was under way at its place: times may be that one's */
};

struct cause {
	enum cause_kind kind;
	int32_t number;        /* of the interrupt or softirq it came through, −1 without one */
	uint64_t at_ns;        /* when it did what it did; of a raised softirq's the raising */
	bool raised;           /* through a softirq that was raised at `at_ns` and ran later, … */
	int32_t cpu;           /* … there; only with `raised` */
	bool shared;           /* of a raised softirq: others raised it too, and may be the cause */
	struct thread *thread; /* CAUSE_TASK: the one that did it */
	struct thread *queuer; /* who had surely queued the work that thread was doing, or NULL */
	uint64_t function;     /* of the timer; of the work the thread was doing; or 0 */
	uint32_t site;         /* CAUSE_TASK: where it did it; 0 when unknown */
	struct disk_request request; /* CAUSE_DISK */
};

enum context_kind { CONTEXT_IRQ, CONTEXT_SOFTIRQ, CONTEXT_TIMER };

struct context {
	enum context_kind kind;
	struct cause cause;
};

/* A work item a worker is doing. */
struct work {
	uint64_t function;
	uint64_t why; /* causes_kept(): what queued it, and when; 0 when unknown */
	struct thread *queuer;
};

struct cause_cpu {
	unsigned depth;
	struct context stack[CAUSES_DEPTH_MAX];
	struct cause raised[SOFTIRQS]; /* by whom since its last run; CAUSE_UNKNOWN: by nobody */
};

struct causes {
	struct threads *threads;
	ARRAY(struct cause_cpu) cpus;
	struct map queued;  /* work → number of what queued it */
	struct map doing;   /* worker's tid → struct work */
	struct cause *kept; /* the last CAUSES_KEPT of `kept_count`, from number 1 on */
	uint64_t kept_count;
	uint64_t lost_ns; /* when events were lost last */
};

/* Why what this event says happened. */
void causes_of(struct causes *c, const struct event *e, struct cause *ret);

/* As causes_of() for a waking, which also says itself what kind of context it came from. */
void causes_of_waking(struct causes *c, const struct event *e, struct cause *ret);

/* What the number stands for; NULL for 0 and for one that is kept no longer. */
const struct cause *causes_kept(const struct causes *c, uint64_t number);

/* The number of what made this event happen; 0 without memory. */
uint64_t causes_keep(struct causes *c, const struct event *e);

/* What a worker is doing, NULL when it is no worker or idle. */
const struct work *causes_doing(const struct causes *c, int32_t tid);

/* The context this event is in completed a disk request: what follows in it is because of that. */
void causes_blame_disk(struct causes *c, const struct event *e, const struct disk_request *request);

#endif
