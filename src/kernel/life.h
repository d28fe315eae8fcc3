/* SPDX-License-Identifier: MIT */
/*
 * The life stream of one cpu, kept in the tool: the last packets, and the records not yet told.
 *
 * The kernel's buffers of these rare events are emptied whenever somebody asks for news; what a
 * trace or a snapshot wants of them later is here, as much as the BPF recorder's life ring holds.
 */
#ifndef CAIRN_KERNEL_LIFE_H
#define CAIRN_KERNEL_LIFE_H

#include "kernel/convert.h"
#include "packet/packet.h"

enum {
	LIFE_PACKETS = 4,
	LIFE_NEWS_MAX = 4096, /* older ones nobody asked for in time are dropped */
	LIFE_RECORD_BYTES_MAX = sizeof(struct recorder_exec),
};

struct life_packet {
	struct ring_packet header;
	uint8_t *body;
	size_t bytes;
};

struct life_news {
	uint16_t id;
	uint64_t time_ns;
	_Alignas(8) uint8_t payload[LIFE_RECORD_BYTES_MAX];
};

struct life {
	struct packet packet;                  /* the open one */
	struct life_packet kept[LIFE_PACKETS]; /* number n at n % LIFE_PACKETS */
	uint64_t sealed;                       /* packets so far */
	uint64_t given;                        /* of them, to a drain */
	struct life_news *news;
	size_t news_count, news_capacity;
};

int life_init(struct life *l, uint32_t cpu, const uint8_t uuid[16], struct err *e);
void life_deinit(struct life *l);

int life_add(struct life *l, uint64_t time_ns, const struct converted *record, struct err *e);

/* Gives what no drain was given before; `all` seals the open packet first. */
int life_drain(struct life *l, bool all, rung_sink sink, void *context, struct err *e);

/* Gives everything that is kept. */
int life_snapshot(struct life *l, rung_sink sink, void *context, struct err *e);

/* Tells the records since the last call. */
void life_tell(struct life *l, rung_news news, void *context);

#endif
