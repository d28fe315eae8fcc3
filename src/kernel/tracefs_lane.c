/* SPDX-License-Identifier: MIT */
#include "kernel/tracefs_lane.h"

#include "kernel/convert_known.h"
#include "kernel/tracefs_page.h"
#include "util/now.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For each cpu; these events are few. */
enum { LIFE_BYTES = 256 << 10 };

/* 1 with a page at `to`, 0 when the cpu has none. */
static int read_page(struct lane *l, uint32_t cpu, void *to, struct err *e)
{
	ssize_t got;
	do
		got = read(l->cpus[cpu].fd, to, l->page_bytes);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno != EAGAIN)
		return err_errno(e, "cannot read the trace buffer of cpu %u", cpu);
	if (got <= 0)
		return 0;
	memset((uint8_t *)to + got, 0, l->page_bytes - (size_t)got);
	return 1;
}

/*
 * `*until_loss` counts down the records that stand in front of a loss of `pending` events.
 * `first` says that what went before the page was overwritten, not lost.
 */
static int recode_page(struct lane *l, uint32_t cpu, const void *bytes, bool first,
		       uint64_t *until_loss, struct err *e)
{
	struct lane_cpu *c = &l->cpus[cpu];
	struct tracefs_page page;
	struct tracefs_record record;
	if (tracefs_page_open(&page, bytes, l->page_bytes))
		return recode_lost(l->recode, l->stream, cpu, 1, 0, e);
	if (page.loss != TRACEFS_LOSS_NONE && !first) {
		c->pending += page.loss == TRACEFS_LOSS_COUNTED ? page.lost : 1;
		*until_loss = 0;
	}
	int status, result = 0;
	while (!result && (status = tracefs_page_next(&page, &record)) == 1) {
		if (*until_loss) {
			--*until_loss;
		} else if (c->pending) {
			result = recode_lost(l->recode, l->stream, cpu, c->pending, record.time, e);
			c->pending = 0;
		}
		if (!result)
			result = recode_record(l->recode, cpu, record.time, record.data,
					       record.bytes, e);
	}
	if (!result && status < 0)
		result = recode_lost(l->recode, l->stream, cpu, 1, page.time, e);
	return result;
}

static int drain_cpu(struct lane *l, uint32_t cpu, struct err *e)
{
	struct lane_cpu *c = &l->cpus[cpu];
	struct instance_stats stats;
	int result = instance_stats(&l->instance, cpu, &stats, e);
	if (result)
		return result;
	uint64_t until_loss = c->pending || stats.lost == c->told ? 0 : stats.entries;
	c->pending += stats.lost - c->told;
	c->told = stats.lost;
	/* No more than the buffer holds: a reader slower than the events would never end. */
	for (size_t i = 0; i <= l->pages_max; i++) {
		result = read_page(l, cpu, l->page, e);
		if (result <= 0)
			return result;
		result = recode_page(l, cpu, l->page, false, &until_loss, e);
		if (result)
			return result;
	}
	return 0;
}

int lane_drain(struct lane *l, bool all, struct err *e)
{
	int result = 0;
	for (uint32_t cpu = 0; cpu < l->recode->cpus && !result; cpu++) {
		struct lane_cpu *c = &l->cpus[cpu];
		if (c->fd < 0)
			continue;
		result = drain_cpu(l, cpu, e);
		if (!result && all && c->pending) {
			result = recode_lost(l->recode, l->stream, cpu, c->pending,
					     now_monotonic_ns(), e);
			c->pending = 0;
		}
	}
	return result;
}

static void *kept_page(struct lane *l, struct lane_cpu *c, size_t i)
{
	return c->kept + (c->kept_first + i) % l->pages_max * l->page_bytes;
}

/* Takes the cpu's pages out of the kernel; what is older than a gap is of no use any more. */
static int keep_pages(struct lane *l, uint32_t cpu, struct err *e)
{
	struct lane_cpu *c = &l->cpus[cpu];
	struct tracefs_page page;
	if (!c->kept)
		c->kept = malloc(l->pages_max * l->page_bytes);
	if (!c->kept)
		return err_set(e, ENOMEM, "no memory for a snapshot of cpu %u", cpu);
	for (size_t i = 0; i < l->pages_max; i++) {
		if (c->kept_pages == l->pages_max) {
			c->kept_first = (c->kept_first + 1) % l->pages_max;
			c->kept_pages--;
		}
		void *room = kept_page(l, c, c->kept_pages);
		int result = read_page(l, cpu, room, e);
		if (result <= 0)
			return result;
		c->kept_pages++;
		if (tracefs_page_open(&page, room, l->page_bytes) == 0 &&
		    page.loss != TRACEFS_LOSS_NONE) {
			c->kept_first = (c->kept_first + c->kept_pages - 1) % l->pages_max;
			c->kept_pages = 1;
		}
	}
	return 0;
}

int lane_snapshot(struct lane *l, struct err *e)
{
	int result = 0;
	for (uint32_t cpu = 0; cpu < l->recode->cpus && !result; cpu++)
		if (l->cpus[cpu].fd >= 0)
			result = keep_pages(l, cpu, e);
	for (uint32_t cpu = 0; cpu < l->recode->cpus && !result; cpu++) {
		struct lane_cpu *c = &l->cpus[cpu];
		uint64_t until_loss = 0;
		for (size_t i = 0; i < c->kept_pages && !result; i++)
			result = recode_page(l, cpu, kept_page(l, c, i), i == 0, &until_loss, e);
	}
	return result;
}

static int open_cpus(struct lane *l, struct err *e)
{
	uint32_t cpus = l->recode->cpus;
	l->cpus = calloc(cpus, sizeof(*l->cpus));
	l->page = malloc(l->page_bytes);
	if (!l->cpus || !l->page)
		return err_set(e, ENOMEM, "no memory for the buffers of %u cpus", cpus);
	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		l->cpus[cpu].fd = -1;
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		char path[320];
		snprintf(path, sizeof(path), "%s/per_cpu/cpu%u/trace_pipe_raw", l->instance.path,
			 cpu);
		l->cpus[cpu].fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (l->cpus[cpu].fd < 0 && errno != ENOENT && errno != ENODEV)
			return err_errno(e, "cannot open %s", path);
	}
	return 0;
}

static int enable_events(struct lane *l, int own_pid, struct err *e)
{
	int result = 0;
	const struct convert *c = &l->recode->convert;
	for (size_t i = 0; i < c->count && !result; i++) {
		const struct known *known = c->events[i]->known;
		if ((known ? known->stream : RECORDER_STREAM_EVENTS) == l->stream)
			result = instance_enable(&l->instance, c->events[i], own_pid, e);
	}
	return result;
}

int lane_open(struct lane *l, const char *tracefs, const struct plan *plan,
	      enum recorder_stream stream, struct recode *recode, struct err *e)
{
	bool is_life = stream == RECORDER_STREAM_LIFE;
	size_t ring_bytes = is_life ? LIFE_BYTES : plan->ring_bytes;
	char session[80];
	snprintf(session, sizeof(session), "%.64s%s", plan->session ? plan->session : "session",
		 is_life ? ".life" : "");
	*l = (struct lane){.recode = recode, .stream = stream, .instance.lock_fd = -1};
	l->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	l->pages_max = ring_bytes / l->page_bytes + 2;
	int result = instance_create(&l->instance, tracefs, session, ring_bytes,
				     plan->overwrite && !is_life, e);
	if (!result)
		result = open_cpus(l, e);
	if (!result)
		result = enable_events(l, plan->own_pid, e);
	if (result)
		lane_close(l);
	return result;
}

void lane_close(struct lane *l)
{
	for (uint32_t cpu = 0; l->cpus && cpu < l->recode->cpus; cpu++) {
		if (l->cpus[cpu].fd >= 0)
			close(l->cpus[cpu].fd);
		free(l->cpus[cpu].kept);
	}
	instance_destroy(&l->instance);
	free(l->cpus);
	free(l->page);
	*l = (struct lane){.instance.lock_fd = -1};
}
