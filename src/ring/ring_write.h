/* SPDX-License-Identifier: MIT */
/*
 * Writing an event: into this cpu's ring within one restartable sequence, or into a lane.
 *
 * On x86-64 with rseq the whole event, from asking for the cpu to the store of the head, is one
 * critical section: preemption, a signal or a move to another cpu start it over, a kill leaves the
 * head where it was. So an event is there or not, in order, without a locked instruction.
 * Where there is no rseq, or a debugger's single steps let no section end, a thread takes a lane
 * for the time of one event; it never waits for one.
 *
 * Also inside a critical section: the question whether the thread still knows the writer, and the
 * load of the event's id. Whoever stops all threads of a process and changes both, changes them
 * for every event at once.
 */
#ifndef CAIRN_RING_RING_WRITE_H
#define CAIRN_RING_RING_WRITE_H

#include "ring/ring_share.h"

/* One mapping of the rings; constant once it is made. */
struct ring_writer {
	struct ring_share *share;
	struct ring_line *lines;
	uint8_t *data;
	uint64_t ring_bytes;
	uint64_t ring_mask;
	uint64_t subbuf_bytes;
	uint32_t subbuf_shift;
	uint32_t subbufs; /* in a ring */
	uint64_t cpus;
	uint32_t lanes;
	uint32_t flags;
	uint64_t (*clock_ns)(void); /* where times are not the counter's */
	uint32_t cpu_stream, lane_stream;
	uint8_t uuid[16];
};

/* The start of a thread's rseq area, as the kernel lays it out. */
struct ring_rseq {
	uint32_t cpu_start;
	uint32_t cpu; /* beyond any cpu when the thread is not registered */
	uint64_t section;
};

/* What a thread knows; `generation` is compared with its process's. */
struct ring_thread {
	struct ring_writer *writer;
	uint64_t owner;         /* pid and tid, as a line's */
	struct ring_rseq *rseq; /* ring_no_rseq for who has none: then lanes only */
	uint32_t generation;
	uint32_t tries; /* how often sequences may yet be restarted before it takes a lane */
};

enum { RING_TRIES = 16 };

extern struct ring_rseq ring_no_rseq;

enum ring_status {
	RING_DONE,
	RING_STALE, /* the thread's generation is not its process's */
	RING_OFF,   /* the event has no id */
	RING_LOST,  /* and counted */
	RING_BUSY,  /* other threads write into all lanes */
	/* On the way, never given back. */
	RING_FULL,    /* the event does not fit where the head is */
	RING_OWNER,   /* another thread wrote last */
	RING_NO_CPU,  /* this thread has no rseq, or its cpu no ring */
	RING_ABORTED, /* restarted again and again */
	RING_MOVED,   /* not where it was when one looked */
};

/* `checked` is a copy of the first page that ring_share_check() was content with. */
void ring_writer_init(struct ring_writer *w, struct ring_share *share,
		      const struct ring_share *checked, uint64_t (*clock_ns)(void));

/*
 * Writes an event with the id at `*id`. `payload` is `bytes` long, at most RING_PAYLOAD_BYTES_MAX,
 * and readable up to the next multiple of RING_COPY_BYTES.
 */
enum ring_status ring_write(struct ring_thread *t, const uint32_t *generation, const uint16_t *id,
			    const void *payload, uint64_t bytes);

/*
 * The same, after one sequence (ring_rseq.h) ended with `status`: for who has the first try inline
 * and no time for a call. Begin with RING_NO_CPU where there are no sequences.
 */
enum ring_status ring_write_slowly(enum ring_status status, struct ring_thread *t,
				   const uint32_t *generation, const uint16_t *id,
				   const void *payload, uint64_t bytes);

/* After RING_BUSY. The tid that holds a lane, 0 for none. */
uint32_t ring_lane_holder(const struct ring_writer *w, uint32_t lane);

/* Takes a lane from a holder of whom the caller knows that no such thread lives. */
void ring_lane_free(const struct ring_writer *w, uint32_t lane, uint32_t holder);

/* Counts an event that is not written. */
void ring_write_lost(struct ring_thread *t);

#endif
