/* SPDX-License-Identifier: MIT */
/*
 * One tracefs instance being read: its pages, cpu by cpu, into the recoder.
 *
 * Streaming, the kernel drops the newest events when a buffer is full and counts them. Those that
 * a drain learns of were dropped while the buffer was as full as the drain found it: after as many
 * events as it then held. Flight recorder: the oldest go; reading takes pages out of the kernel,
 * so a snapshot keeps them for the next one. Recording is never stopped for it.
 */
#ifndef CAIRN_KERNEL_TRACEFS_LANE_H
#define CAIRN_KERNEL_TRACEFS_LANE_H

#include "kernel/instance.h"
#include "kernel/recode.h"

struct lane_cpu {
	int fd;           /* trace_pipe_raw; -1 for a cpu that is not there */
	uint64_t told;    /* of the losses the kernel counts, those already known here */
	uint64_t pending; /* of these, those not yet in the trace */
	/* What snapshots have read: a ring of as many pages as the kernel's. */
	uint8_t *kept;
	size_t kept_first, kept_pages;
};

struct lane {
	struct instance instance;
	struct recode *recode;
	enum recorder_stream stream; /* of all its events */
	struct lane_cpu *cpus;
	uint8_t *page;
	size_t page_bytes;
	size_t pages_max; /* of one cpu's buffer */
};

/* Makes the instance with the recoder's events of that stream enabled, recording switched off. */
int lane_open(struct lane *l, const char *tracefs, const struct plan *plan,
	      enum recorder_stream stream, struct recode *recode, struct err *e);
void lane_close(struct lane *l);

/* Recodes what came since the last call; `all` also tells losses that nothing came after. */
int lane_drain(struct lane *l, bool all, struct err *e);

/* Recodes as much of the past as the instance's buffers can hold. */
int lane_snapshot(struct lane *l, struct err *e);

#endif
