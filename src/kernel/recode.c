/* SPDX-License-Identifier: MIT */
#include "kernel/recode.h"

#include <stdlib.h>

int recode_open(struct recode *ret, const struct plan *plan, const char *tracefs, uint32_t cpus,
		struct err *e)
{
	struct recode r = {.cpus = cpus};
	int result = convert_open(&r.convert, plan, tracefs, e);
	if (result)
		return result;
	r.events = calloc(cpus, sizeof(*r.events));
	r.life = calloc(cpus, sizeof(*r.life));
	if (!r.events || !r.life) {
		recode_close(&r);
		return err_set(e, ENOMEM, "no memory for the packets of %u cpus", cpus);
	}
	for (uint32_t cpu = 0; cpu < cpus && !result; cpu++) {
		result = packet_init(&r.events[cpu], plan->uuid, RECORDER_STREAM_EVENTS, cpu, NULL,
				     NULL, e);
		if (!result)
			result = life_init(&r.life[cpu], cpu, plan->uuid, e);
	}
	if (result) {
		recode_close(&r);
		return result;
	}
	*ret = r;
	return 0;
}

void recode_close(struct recode *r)
{
	convert_close(&r->convert);
	for (uint32_t cpu = 0; r->events && cpu < r->cpus; cpu++)
		packet_deinit(&r->events[cpu]);
	for (uint32_t cpu = 0; r->life && cpu < r->cpus; cpu++)
		life_deinit(&r->life[cpu]);
	free(r->events);
	free(r->life);
	r->events = NULL;
	r->life = NULL;
}

void recode_to(struct recode *r, rung_sink sink, void *context)
{
	for (uint32_t cpu = 0; cpu < r->cpus; cpu++) {
		r->events[cpu].sink = sink;
		r->events[cpu].context = context;
	}
}

int recode_record(struct recode *r, uint32_t cpu, uint64_t time_ns, const void *record,
		  size_t bytes, struct err *e)
{
	struct converted *out = &r->converted;
	int result = convert_record(&r->convert, record, bytes, out);
	if (result < 0)
		return recode_lost(r, RECORDER_STREAM_EVENTS, cpu, 1, time_ns, e);
	if (!result)
		return 0;
	if (out->stream == RECORDER_STREAM_LIFE)
		return life_add(&r->life[cpu], time_ns, out, e);
	return packet_add(&r->events[cpu], out->id, time_ns, (uint32_t)out->tid, out->payload,
			  out->bytes, e);
}

int recode_lost(struct recode *r, enum recorder_stream stream, uint32_t cpu, uint64_t count,
		uint64_t until_ns, struct err *e)
{
	r->lost += count;
	struct packet *p = stream == RECORDER_STREAM_LIFE ? &r->life[cpu].packet : &r->events[cpu];
	return packet_gap(p, count, until_ns, e);
}

int recode_seal_events(struct recode *r, struct err *e)
{
	int result = 0;
	for (uint32_t cpu = 0; cpu < r->cpus && !result; cpu++)
		result = packet_seal(&r->events[cpu], e);
	return result;
}

void recode_restart_events(struct recode *r)
{
	for (uint32_t cpu = 0; cpu < r->cpus; cpu++)
		packet_restart(&r->events[cpu]);
}

int recode_drain_life(struct recode *r, bool all, rung_sink sink, void *context, struct err *e)
{
	int result = 0;
	for (uint32_t cpu = 0; cpu < r->cpus && !result; cpu++)
		result = life_drain(&r->life[cpu], all, sink, context, e);
	return result;
}

int recode_snapshot_life(struct recode *r, rung_sink sink, void *context, struct err *e)
{
	int result = 0;
	for (uint32_t cpu = 0; cpu < r->cpus && !result; cpu++)
		result = life_snapshot(&r->life[cpu], sink, context, e);
	return result;
}

void recode_tell(struct recode *r, rung_news news, void *context)
{
	for (uint32_t cpu = 0; cpu < r->cpus; cpu++)
		life_tell(&r->life[cpu], news, context);
}

void recode_totals(const struct recode *r, struct rung_totals *ret)
{
	*ret = (struct rung_totals){.lost = r->lost};
	for (uint32_t cpu = 0; cpu < r->cpus; cpu++)
		ret->events += r->events[cpu].events + r->life[cpu].packet.events;
}
