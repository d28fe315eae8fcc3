/* SPDX-License-Identifier: MIT */
#include "kernel/life.h"

#include "util/array.h"

#include <string.h>

/* The sink of the open packet. */
static int keep(void *context, const struct ring_packet *header, const void *body,
		size_t body_bytes, struct err *e)
{
	struct life *l = context;
	struct life_packet *slot = &l->kept[l->sealed % LIFE_PACKETS];
	uint8_t *copy = realloc(slot->body, body_bytes + 1);
	if (!copy)
		return err_set(e, ENOMEM, "no memory for a packet of births and deaths");
	memcpy(copy, body, body_bytes);
	*slot = (struct life_packet){*header, copy, body_bytes};
	l->sealed++;
	return 0;
}

int life_init(struct life *l, uint32_t cpu, const uint8_t uuid[16], struct err *e)
{
	return packet_init(&l->packet, uuid, RECORDER_STREAM_LIFE, cpu, keep, l, e);
}

void life_deinit(struct life *l)
{
	for (size_t i = 0; i < LIFE_PACKETS; i++)
		free(l->kept[i].body);
	packet_deinit(&l->packet);
	free(l->news);
}

int life_add(struct life *l, uint64_t time_ns, const struct converted *record, struct err *e)
{
	if (l->news_count == LIFE_NEWS_MAX)
		l->news_count = 0;
	if (l->news_count == l->news_capacity &&
	    array_grow((void **)&l->news, &l->news_capacity, l->news_count + 1, sizeof(*l->news)))
		return err_set(e, ENOMEM, "no memory for births and deaths");
	struct life_news *news = &l->news[l->news_count++];
	news->id = record->id;
	news->time_ns = time_ns;
	memcpy(news->payload, record->payload, record->bytes);
	return packet_add(&l->packet, record->id, time_ns, (uint32_t)record->tid, record->payload,
			  record->bytes, e);
}

static int give(struct life *l, uint64_t from, rung_sink sink, void *context, struct err *e)
{
	if (from + LIFE_PACKETS < l->sealed)
		from = l->sealed - LIFE_PACKETS;
	for (; from < l->sealed; from++) {
		const struct life_packet *p = &l->kept[from % LIFE_PACKETS];
		int result = sink(context, &p->header, p->body, p->bytes, e);
		if (result)
			return result;
	}
	return 0;
}

int life_drain(struct life *l, bool all, rung_sink sink, void *context, struct err *e)
{
	int result = all ? packet_seal(&l->packet, e) : 0;
	if (!result)
		result = give(l, l->given, sink, context, e);
	l->given = l->sealed;
	return result;
}

int life_snapshot(struct life *l, rung_sink sink, void *context, struct err *e)
{
	int result = packet_seal(&l->packet, e);
	return result ? result : give(l, 0, sink, context, e);
}

void life_tell(struct life *l, rung_news news, void *context)
{
	for (size_t i = 0; i < l->news_count; i++)
		news(context, l->news[i].id, l->news[i].time_ns, l->news[i].payload);
	l->news_count = 0;
}
