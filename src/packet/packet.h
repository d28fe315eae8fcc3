/* SPDX-License-Identifier: MIT */
/*
 * Packets built by the tool itself: its own events, and those of recorders that do not write the
 * trace's format.
 *
 * One event at a time: begin, put its fields in order, commit. A packet that is full goes to the
 * sink, sealed, and the event begins the next one. Bounded: a string is cut to what its packet has
 * room for and ends with PACKET_CUT; an event whose other fields do not fit is dropped and
 * counted in the stream's `discarded`. Time in a stream never goes back: an event older than the
 * one before it gets that one's time.
 */
#ifndef CAIRN_PACKET_PACKET_H
#define CAIRN_PACKET_PACKET_H

#include "ring/ring_abi.h"
#include "util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_CUT "…[cut]"

enum {
	PACKET_BYTES_MAX = 64 << 10,
	/* What a string leaves of an otherwise empty packet to the fields behind it. */
	PACKET_RESERVE_BYTES = 1 << 10,
};

/* A complete header and the bytes behind it, valid during the call; negative: it refuses. */
typedef int (*packet_sink)(void *context, const struct ring_packet *header, const void *body,
			   size_t body_bytes, struct err *e);

struct packet {
	struct ring_packet header; /* of the packet being filled */
	packet_sink sink;
	void *context;
	uint8_t *body;
	size_t body_bytes; /* committed events */
	size_t bytes;      /* with the event being put */
	size_t start;      /* of the event being put */
	uint64_t time_ns;  /* of the event being put */
	uint64_t last_ns;  /* of the last committed event */
	uint64_t events;   /* committed so far, in all packets */
	uint64_t told;     /* of `discarded`, what sealed packets have said */
	uint32_t tid;      /* given to the next packet */
	bool overflow;     /* the event being put does not fit */
};

/* `cpu` and the stream class are those of the ring's packets. Packets are numbered from 0. */
int packet_init(struct packet *p, const uint8_t uuid[16], uint32_t stream_id, uint32_t cpu,
		packet_sink sink, void *context, struct err *e);
void packet_deinit(struct packet *p); /* drops what is not sealed */

void packet_begin(struct packet *p, uint16_t id, uint64_t time_ns);
void packet_align(struct packet *p, unsigned bytes); /* 1, 2, 4 or 8 */
void packet_put(struct packet *p, const void *data, size_t bytes);
void packet_put_string(struct packet *p, const char *string);
/* The first `bytes` of it, without a NUL inside: for texts that are not terminated. */
void packet_put_text(struct packet *p, const char *text, size_t bytes);

static inline void packet_put_u8(struct packet *p, uint8_t value)
{
	packet_put(p, &value, sizeof(value));
}

static inline void packet_put_u16(struct packet *p, uint16_t value)
{
	packet_put(p, &value, sizeof(value));
}

static inline void packet_put_u32(struct packet *p, uint32_t value)
{
	packet_put(p, &value, sizeof(value));
}

static inline void packet_put_u64(struct packet *p, uint64_t value)
{
	packet_put(p, &value, sizeof(value));
}

/* Negative is what the sink said when it was given the packet before; the event is kept. */
int packet_commit(struct packet *p, struct err *e);

/* Counts events lost before the next one. */
void packet_lose(struct packet *p, uint64_t events);

/*
 * `events` were lost after the last one and before `until_ns`. The gap gets an empty packet of its
 * own, so that its time is known.
 */
int packet_gap(struct packet *p, uint64_t events, uint64_t until_ns, struct err *e);

/* The same with the bytes of all fields at hand; `tid` is who runs, for a packet begun with it. */
int packet_add(struct packet *p, uint16_t id, uint64_t time_ns, uint32_t tid, const void *payload,
	       size_t bytes, struct err *e);

/* Gives the packet to the sink, if it has events or losses to tell. Call it last. */
int packet_seal(struct packet *p, struct err *e);

/* The stream begins anew, numbers and times too: for the next snapshot. */
void packet_restart(struct packet *p);

#endif
