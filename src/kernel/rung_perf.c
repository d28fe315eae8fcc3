/* SPDX-License-Identifier: MIT */
/*
 * The lowest rung: perf events. For whoever has CAP_PERFMON and no more, provided that tracefs can
 * be read, which alone knows the tracepoints' numbers and formats.
 */
#include "kernel/perf_lane.h"
#include "kernel/rung.h"
#include "kernel/tracefs.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* For each cpu; births and deaths are few. */
enum { LIFE_BYTES = 64 << 10 };

struct perf_rung {
	struct rung rung;
	struct recode recode;
	struct perf_lane events, life;
	bool backward;
};

static int switch_lanes(struct perf_rung *p, bool on, struct err *e)
{
	int result = perf_lane_switch(&p->life, on, e);
	return result ? result : perf_lane_switch(&p->events, on, e);
}

static int perf_start(struct rung *r, struct err *e)
{
	return switch_lanes((struct perf_rung *)r, true, e);
}

static int perf_stop(struct rung *r, struct err *e)
{
	return switch_lanes((struct perf_rung *)r, false, e);
}

static int perf_drain(struct rung *r, bool all, rung_sink sink, void *context, struct err *e)
{
	struct perf_rung *p = (struct perf_rung *)r;
	recode_to(&p->recode, sink, context);
	int result = perf_lane_drain(&p->life, all, e);
	if (!result)
		result = recode_drain_life(&p->recode, all, sink, context, e);
	/* A backward ring gives all or nothing. */
	if (!result && !p->backward)
		result = perf_lane_drain(&p->events, all, e);
	else if (!result && all)
		result = perf_lane_snapshot(&p->events, e);
	if (!result && all)
		result = recode_seal_events(&p->recode, e);
	return result;
}

static int perf_news(struct rung *r, rung_news news, void *context, struct err *e)
{
	struct perf_rung *p = (struct perf_rung *)r;
	int result = perf_lane_drain(&p->life, false, e);
	recode_tell(&p->recode, news, context);
	return result;
}

static int perf_snapshot(struct rung *r, rung_sink sink, void *context, struct err *e)
{
	struct perf_rung *p = (struct perf_rung *)r;
	recode_restart_events(&p->recode);
	recode_to(&p->recode, sink, context);
	int result = perf_lane_drain(&p->life, true, e);
	if (!result)
		result = recode_snapshot_life(&p->recode, sink, context, e);
	if (!result)
		result = p->backward ? perf_lane_snapshot(&p->events, e)
				     : perf_lane_drain(&p->events, true, e);
	return result ? result : recode_seal_events(&p->recode, e);
}

static void perf_totals(struct rung *r, struct rung_totals *ret)
{
	recode_totals(&((struct perf_rung *)r)->recode, ret);
}

static void perf_close(struct rung *r)
{
	struct perf_rung *p = (struct perf_rung *)r;
	perf_lane_close(&p->events);
	perf_lane_close(&p->life);
	recode_close(&p->recode);
	free(p);
}

/* An event is a descriptor on each cpu. */
static void allow_descriptors(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int perf_open(struct rung **ret, const struct plan *plan, struct err *e)
{
	struct perf_rung *p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(e, ENOMEM, "no memory for the recorder");
	p->rung = (struct rung){.kind = &rung_perf,
				.start = perf_start,
				.stop = perf_stop,
				.drain = perf_drain,
				.news = perf_news,
				.snapshot = perf_snapshot,
				.totals = perf_totals,
				.close = perf_close};
	p->backward = plan->overwrite;
	const char *tracefs;
	uint32_t cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF);
	int result = tracefs_find(&tracefs, e);
	if (!result)
		result = recode_open(&p->recode, plan, tracefs, cpus, e);
	allow_descriptors();
	if (!result)
		result = perf_lane_open(&p->events, plan, RECORDER_STREAM_EVENTS, plan->ring_bytes,
					plan->overwrite, &p->recode, e);
	if (!result)
		result = perf_lane_open(&p->life, plan, RECORDER_STREAM_LIFE, LIFE_BYTES, false,
					&p->recode, e);
	if (result) {
		perf_close(&p->rung);
		return result;
	}
	*ret = &p->rung;
	return 0;
}

const struct rung_kind rung_perf = {"perf", perf_open};
