/* SPDX-License-Identifier: MIT */
/*
 * One perf ring buffer: the samples of one cpu's tracepoints.
 *
 * Forward, the reader takes records off the tail and the kernel drops the newest ones when there
 * is no room. Backward, the kernel writes downwards from 0 and over its oldest records; the newest
 * is at data_head, and nothing is taken off: the reader pauses the ring and copies it.
 */
#ifndef CAIRN_KERNEL_PERF_RING_H
#define CAIRN_KERNEL_PERF_RING_H

#include "util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct perf_ring {
	int fd; /* owns the buffer; borrowed */
	void *map;
	size_t bytes; /* of the data, a power of two */
	bool backward;
};

int perf_ring_open(struct perf_ring *ret, int fd, size_t bytes, bool backward, struct err *e);
void perf_ring_close(struct perf_ring *r);

/* Records between two positions of a ring's data; positions count bytes and never wrap. */
struct perf_walk {
	const uint8_t *data;
	size_t bytes;
	uint64_t at, end;
	uint64_t record[1 << 13]; /* the current one, where it wraps around the data's end */
};

/* What is there to be read, oldest first; perf_ring_taken() gives it back to the kernel. */
void perf_ring_walk(const struct perf_ring *r, struct perf_walk *ret);
void perf_ring_taken(struct perf_ring *r, const struct perf_walk *walk);

/*
 * Copies a backward ring's data to `copy` (r->bytes long) while it is paused, and walks the copy,
 * newest first. The events of the pause are counted by the kernel as lost.
 */
int perf_ring_copy(struct perf_ring *r, void *copy, struct perf_walk *ret, struct err *e);

enum perf_record_kind { PERF_OTHER, PERF_SAMPLED, PERF_LOSS };

/* Of events opened with PERF_SAMPLE_TIME | PERF_SAMPLE_RAW. */
struct perf_record {
	enum perf_record_kind kind;
	uint64_t time_ns;
	const void *raw;
	size_t raw_bytes;
	uint64_t lost;
};

/* 1 and a record, 0 at the end or where the oldest is half overwritten; -EINVAL, and no more. */
int perf_walk_next(struct perf_walk *w, struct perf_record *ret);

#endif
