/* SPDX-License-Identifier: MIT */
/*
 * The ladder of kernel recorders: BPF, tracefs, perf. One interface, the same packets from each.
 *
 * A rung turns a plan into sub-buffers that are CTF packets (ring/ring_abi.h). open() sets
 * everything up and records nothing; start() and stop() switch all events together. Whoever drives
 * the rung calls drain() now and then (streaming) or snapshot() (flight recorder).
 */
#ifndef CAIRN_KERNEL_RUNG_H
#define CAIRN_KERNEL_RUNG_H

#include "event/schema.h"
#include "kernel/recorder_abi.h"
#include "util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stack_source; /* kernel/stack_source.h */
struct format;       /* kernel/format.h: what tracefs says of one tracepoint */
struct condition;    /* filter/condition.h: a compiled predicate */

/* One tracepoint asked for by name, beyond the recorder's own set. */
struct plan_event {
	const char *subsystem;
	const char *name;
	const char *fetch; /* of a probe made for this recording: what it fetches; else NULL */
	bool is_user, is_return; /* such a probe's: in a program; at a function's return */
	const struct format *format;
	uint16_t id;                  /* in the trace: RECORDER_GENERIC_ID and up */
	const struct condition *when; /* NULL without one */
};

struct plan {
	bool waits;        /* the wait set: RECORDER_SWITCH … RECORDER_SIGNAL, the life stream */
	bool syscalls;     /* RECORDER_SYSCALL_ENTRY, _EXIT */
	bool locks;        /* RECORDER_CONTENTION_BEGIN, _END */
	bool stacks;       /* user stacks of sleepers and wakers, not only the innermost address */
	bool overwrite;    /* flight recorder: the oldest sub-buffer makes room, not the newest */
	bool only_targets; /* events that concern none of the targets' threads are left out */
	size_t ring_bytes; /* for each cpu; a power of two, at least 4 sub-buffers */
	const pid_t *targets;
	size_t target_count;
	const struct stack_source *unwind; /* of tables for stacks; NULL = no stacks */
	pid_t own_pid;                     /* never recorded as an asker of generic events */
	const char *session;               /* names what is made in the kernel: cairn-SESSION */
	struct plan_event *events;
	size_t event_count;
	uint8_t uuid[16];
};

/*
 * A sealed packet: a complete header and the bytes behind it, both valid during the call. The
 * packets of one (stream, cpu) come in order. A negative return ends the drain with that code.
 */
typedef int (*rung_sink)(void *context, const struct ring_packet *header, const void *body,
			 size_t body_bytes, struct err *e);

typedef void (*rung_news)(void *context, enum recorder_event id, uint64_t time_ns,
			  const void *payload);

struct rung_totals {
	uint64_t events;        /* recorded, where the rung knows without looking, else 0 */
	uint64_t lost;          /* known to be lost: full buffers */
	uint64_t misses;        /* not seen: nested or refused by the kernel's own protection */
	uint64_t probe_each_ns; /* one event's cost in the kernel, from a sample; 0 unknown */
};

struct rung;

struct rung_kind {
	const char *name; /* "bpf", "tracefs", "perf" */
	int (*open)(struct rung **ret, const struct plan *plan, struct err *e);
};

struct rung {
	const struct rung_kind *kind;
	int (*start)(struct rung *r, struct err *e);
	int (*stop)(struct rung *r, struct err *e);
	/*
	 * Before start(): lets what the rings hold outlive a kill of this process, under a name
	 * for kernel/bpf_pins.h; close() takes it away. NULL where rings cannot.
	 */
	int (*keep)(struct rung *r, const char *name, struct err *e);
	/* Sealed packets since the last drain; `all` also seals and gives the open ones. */
	int (*drain)(struct rung *r, bool all, rung_sink sink, void *context, struct err *e);
	/*
	 * Records of the life stream since the last call, each cpu's in order: the payload is one
	 * of recorder_abi.h's. They come once here and once more in their packets.
	 */
	int (*news)(struct rung *r, rung_news news, void *context, struct err *e);
	/* Housekeeping, every 10 to 100 ms while recording; NULL when there is none. */
	void (*service)(struct rung *r);
	/* Everything the rings hold, recording goes on. */
	int (*snapshot)(struct rung *r, rung_sink sink, void *context, struct err *e);
	void (*totals)(struct rung *r, struct rung_totals *ret);
	void (*close)(struct rung *r); /* stops, removes all it made in the kernel, frees */
};

extern const struct rung_kind rung_bpf, rung_tracefs, rung_perf;
extern const struct rung_kind rung_none; /* records nothing, needs no right */

/* The recorder's own event types, as all rungs write them. */
int recorder_schema(struct schema *s, struct err *e);

#endif
