/* SPDX-License-Identifier: MIT */
/* One stream file, packet by packet, event by event. Inside src/ctf only. */
#ifndef CAIRN_CTF_CTF_STREAM_H
#define CAIRN_CTF_CTF_STREAM_H

#include "ctf/ctf_index.h"
#include "ctf/ctf_plan.h"
#include "event/source.h"

/* What the streams of one trace share. */
struct stream_trace {
	const struct ctf_metadata *metadata;
	struct ctf_plan **plans; /* as metadata->classes */
	struct ctf_warnings *warnings;
	uint64_t from_ns, to_ns;
	int64_t shift_ns;   /* onto the clock of the first trace */
	struct map running; /* tid by cpu */
};

struct ctf_stream {
	struct source source; /* close() leaves the object to its owner */

	/* Touched by each event. */
	uint64_t at_bits;    /* from the packet's start */
	uint64_t quick_bits; /* events that begin before it may be read by slices */
	uint64_t end_bits;
	const uint8_t *base; /* the packet's start */
	const struct ctf_plan *plan;
	uint64_t clock;       /* the full value behind the last event's time field */
	uint64_t clock_limit; /* the packet's end; UINT64_MAX when not told */
	uint64_t last_ns;
	uint64_t freq_hz;
	int64_t shift_ns;
	uint64_t *running; /* place of the packet's cpu's tid in trace->running */
	uint32_t number;
	int32_t cpu;
	int32_t writer; /* of a stream that tells: the tid whose events follow */
	bool fresh;     /* none of the packet's events was given yet */

	struct stream_trace *trace;
	const char *path;
	const uint8_t *data;
	size_t bytes;
	bool mapped;
	size_t dropped_bytes; /* let go of the mapping, from its start */
	struct ctf_index index;
	size_t next_packet;
	const struct ctf_packet *packet; /* being read, NULL between two */
	uint64_t misplaced;              /* events whose time had to be moved */

	/* The packet read before: what a gap is measured from. */
	bool has_before, has_discarded;
	uint64_t before_sequence, before_discarded, before_end_ns;
	uint64_t lost[3]; /* the payload of a loss: count, begin, packets */

	uint8_t *shifted; /* context and payload that begin inside a byte */
	size_t shifted_bytes;
};

/* Over bytes somebody else keeps: builds the index. No bytes are a stream without packets. */
int ctf_stream_init(struct ctf_stream *ret, struct stream_trace *trace, const char *path,
		    const uint8_t *data, size_t bytes, struct err *e);

/* The same of a file, mapped. */
int ctf_stream_open(struct ctf_stream *ret, struct stream_trace *trace, const char *path,
		    struct err *e);
void ctf_stream_close(struct ctf_stream *s);

/* As source_next(). */
int ctf_stream_next(struct ctf_stream *s, struct event *ret, struct err *e);

static inline uint64_t ctf_stream_ns(const struct ctf_stream *s, uint64_t clock)
{
	if (s->freq_hz == 1000000000)
		return clock + (uint64_t)s->shift_ns;
	return ctf_clock_ns(&s->trace->metadata->clock, clock) + (uint64_t)s->shift_ns;
}

#endif
