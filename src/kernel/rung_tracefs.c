/* SPDX-License-Identifier: MIT */
/* The second rung: tracefs instances of its own, one for events, one for the life stream. */
#include "kernel/rung.h"
#include "kernel/tracefs.h"
#include "kernel/tracefs_lane.h"

#include <stdlib.h>
#include <unistd.h>

struct tracefs_rung {
	struct rung rung;
	struct recode recode;
	struct lane events, life;
};

static int switch_lanes(struct tracefs_rung *t, bool on, struct err *e)
{
	int result = instance_switch(&t->life.instance, on, e);
	return result ? result : instance_switch(&t->events.instance, on, e);
}

static int tracefs_start(struct rung *r, struct err *e)
{
	return switch_lanes((struct tracefs_rung *)r, true, e);
}

static int tracefs_stop(struct rung *r, struct err *e)
{
	return switch_lanes((struct tracefs_rung *)r, false, e);
}

static int tracefs_drain(struct rung *r, bool all, rung_sink sink, void *context, struct err *e)
{
	struct tracefs_rung *t = (struct tracefs_rung *)r;
	recode_to(&t->recode, sink, context);
	int result = lane_drain(&t->life, all, e);
	if (!result)
		result = recode_drain_life(&t->recode, all, sink, context, e);
	if (!result)
		result = lane_drain(&t->events, all, e);
	if (!result && all)
		result = recode_seal_events(&t->recode, e);
	return result;
}

static int tracefs_news(struct rung *r, rung_news news, void *context, struct err *e)
{
	struct tracefs_rung *t = (struct tracefs_rung *)r;
	int result = lane_drain(&t->life, false, e);
	recode_tell(&t->recode, news, context);
	return result;
}

static int tracefs_snapshot(struct rung *r, rung_sink sink, void *context, struct err *e)
{
	struct tracefs_rung *t = (struct tracefs_rung *)r;
	recode_restart_events(&t->recode);
	recode_to(&t->recode, sink, context);
	int result = lane_drain(&t->life, true, e);
	if (!result)
		result = recode_snapshot_life(&t->recode, sink, context, e);
	if (!result)
		result = lane_snapshot(&t->events, e);
	return result ? result : recode_seal_events(&t->recode, e);
}

static void tracefs_totals(struct rung *r, struct rung_totals *ret)
{
	recode_totals(&((struct tracefs_rung *)r)->recode, ret);
}

static void tracefs_close(struct rung *r)
{
	struct tracefs_rung *t = (struct tracefs_rung *)r;
	lane_close(&t->events);
	lane_close(&t->life);
	recode_close(&t->recode);
	free(t);
}

static int tracefs_open(struct rung **ret, const struct plan *plan, struct err *e)
{
	struct tracefs_rung *t = calloc(1, sizeof(*t));
	if (!t)
		return err_set(e, ENOMEM, "no memory for the recorder");
	t->rung = (struct rung){.kind = &rung_tracefs,
				.start = tracefs_start,
				.stop = tracefs_stop,
				.drain = tracefs_drain,
				.news = tracefs_news,
				.snapshot = tracefs_snapshot,
				.totals = tracefs_totals,
				.close = tracefs_close};
	const char *tracefs;
	uint32_t cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF);
	int result = tracefs_find(&tracefs, e);
	if (!result)
		result = recode_open(&t->recode, plan, tracefs, cpus, e);
	if (!result)
		result =
			lane_open(&t->events, tracefs, plan, RECORDER_STREAM_EVENTS, &t->recode, e);
	if (!result)
		result = lane_open(&t->life, tracefs, plan, RECORDER_STREAM_LIFE, &t->recode, e);
	if (result) {
		tracefs_close(&t->rung);
		return result;
	}
	*ret = &t->rung;
	return 0;
}

const struct rung_kind rung_tracefs = {"tracefs", tracefs_open};
