/* SPDX-License-Identifier: MIT */
#include "kernel/perf_lane.h"

#include "kernel/convert_known.h"
#include "util/array.h"
#include "util/now.h"
#include "util/text.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_event(const struct format *f, uint32_t cpu, bool backward, bool count_losses)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = f->id,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
		.read_format = count_losses ? PERF_FORMAT_LOST : 0,
		.disabled = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.write_backward = backward,
	};
	return (int)syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Some tracepoints perf may not sample whoever asks: those that sampling itself would hit. */
static int refusal(const struct format *f, bool is_first, struct err *e)
{
	if ((errno == EACCES || errno == EPERM) && !is_first)
		return err_set(e, errno, "perf may not sample %s:%s: leave it out (-x %s:%s)",
			       f->subsystem, f->name, f->subsystem, f->name);
	if (errno == EACCES || errno == EPERM)
		return err_set(e, errno,
			       "perf tracepoints are not for uid %u: needs CAP_PERFMON, or "
			       "kernel.perf_event_paranoid = -1",
			       geteuid());
	if (errno == EMFILE)
		return err_set(e, EMFILE, "too few file descriptors for perf (ulimit -n)");
	return err_errno(e, "cannot open %s:%s with perf", f->subsystem, f->name);
}

static int filter_event(int fd, const struct convert_event *event, int own_pid, struct err *e)
{
	struct text filter = {0};
	int result = convert_filter(event, own_pid, &filter, e);
	if (!result && filter.bytes && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter.data))
		result = err_errno(e, "the kernel refuses the filter \"%s\" of %s:%s", filter.data,
				   event->format->subsystem, event->format->name);
	text_deinit(&filter);
	return result;
}

/* One event more on the cpu; 0 too when there is no such cpu. */
static int add_event(struct perf_lane *l, uint32_t cpu, const struct convert_event *event,
		     const struct plan *plan, size_t ring_bytes, bool backward, struct err *e)
{
	struct perf_cpu *c = &l->cpus[cpu];
	int fd = open_event(event->format, cpu, backward, l->counts_losses);
	if (fd < 0 && errno == EINVAL && l->counts_losses) {
		/* Before Linux 6.0. */
		l->counts_losses = false;
		fd = open_event(event->format, cpu, backward, false);
	}
	if (fd < 0)
		return errno == ENODEV ? 0 : refusal(event->format, !c->fd_count, e);
	c->fds[c->fd_count++] = fd;
	int result = filter_event(fd, event, plan->own_pid, e);
	if (result)
		return result;
	if (!c->ring.map)
		return perf_ring_open(&c->ring, fd, ring_bytes, backward, e);
	if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, c->ring.fd))
		return err_errno(e, "cannot join %s:%s to the perf buffer of cpu %u",
				 event->format->subsystem, event->format->name, cpu);
	return 0;
}

static int open_cpu(struct perf_lane *l, uint32_t cpu, const struct plan *plan, size_t ring_bytes,
		    bool backward, struct err *e)
{
	const struct convert *convert = &l->recode->convert;
	l->cpus[cpu].fds = calloc(convert->count + 1, sizeof(int));
	if (!l->cpus[cpu].fds)
		return err_set(e, ENOMEM, "no memory for perf events");
	for (size_t i = 0; i < convert->count; i++) {
		const struct known *known = convert->events[i]->known;
		if ((known ? known->stream : RECORDER_STREAM_EVENTS) != l->stream)
			continue;
		int result = add_event(l, cpu, convert->events[i], plan, ring_bytes, backward, e);
		if (result)
			return result;
	}
	return 0;
}

int perf_lane_open(struct perf_lane *l, const struct plan *plan, enum recorder_stream stream,
		   size_t ring_bytes, bool backward, struct recode *recode, struct err *e)
{
	*l = (struct perf_lane){.recode = recode, .stream = stream, .counts_losses = true};
	l->cpus = calloc(recode->cpus, sizeof(*l->cpus));
	l->walk = malloc(sizeof(*l->walk));
	int result = 0;
	if (!l->cpus || !l->walk)
		result = err_set(e, ENOMEM, "no memory for perf events");
	for (uint32_t cpu = 0; cpu < recode->cpus && !result; cpu++)
		result = open_cpu(l, cpu, plan, ring_bytes, backward, e);
	if (result)
		perf_lane_close(l);
	return result;
}

void perf_lane_close(struct perf_lane *l)
{
	for (uint32_t cpu = 0; l->cpus && cpu < l->recode->cpus; cpu++) {
		struct perf_cpu *c = &l->cpus[cpu];
		perf_ring_close(&c->ring);
		while (c->fd_count)
			close(c->fds[--c->fd_count]);
		free(c->fds);
	}
	free(l->cpus);
	free(l->walk);
	*l = (struct perf_lane){0};
}

int perf_lane_switch(struct perf_lane *l, bool on, struct err *e)
{
	unsigned long request = on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE;
	for (uint32_t cpu = 0; cpu < l->recode->cpus; cpu++)
		for (size_t i = 0; i < l->cpus[cpu].fd_count; i++)
			if (ioctl(l->cpus[cpu].fds[i], request, 0))
				return err_errno(e, "cannot switch perf events %s",
						 on ? "on" : "off");
	return 0;
}

static int recode_sample(struct perf_lane *l, uint32_t cpu, const struct perf_record *record,
			 struct err *e)
{
	struct perf_cpu *c = &l->cpus[cpu];
	int result = 0;
	if (record->kind == PERF_LOSS) {
		c->pending += record->lost;
		c->told += record->lost;
	} else if (record->kind == PERF_SAMPLED) {
		result = recode_lost(l->recode, l->stream, cpu, c->pending, record->time_ns, e);
		c->pending = 0;
		if (!result)
			result = recode_record(l->recode, cpu, record->time_ns, record->raw,
					       record->raw_bytes, e);
	}
	return result;
}

/* Losses so far that no record in the ring tells of: nothing came after them. */
static uint64_t untold(const struct perf_lane *l, const struct perf_cpu *c)
{
	uint64_t lost = 0;
	for (size_t i = 0; l->counts_losses && i < c->fd_count; i++) {
		uint64_t values[2] = {0}; /* the count, the losses */
		if (read(c->fds[i], values, sizeof(values)) == (ssize_t)sizeof(values))
			lost += values[1];
	}
	return lost > c->told ? lost - c->told : 0;
}

static int drain_cpu(struct perf_lane *l, uint32_t cpu, bool all, struct err *e)
{
	struct perf_cpu *c = &l->cpus[cpu];
	struct perf_record record;
	int status, result = 0;
	if (!c->ring.map)
		return 0;
	perf_ring_walk(&c->ring, l->walk);
	while (!result && (status = perf_walk_next(l->walk, &record)) == 1)
		result = recode_sample(l, cpu, &record, e);
	perf_ring_taken(&c->ring, l->walk);
	if (!result && status < 0)
		result = recode_lost(l->recode, l->stream, cpu, 1, 0, e);
	if (!result && all) {
		uint64_t more = untold(l, c);
		c->told += more;
		result = recode_lost(l->recode, l->stream, cpu, c->pending + more,
				     now_monotonic_ns(), e);
		c->pending = 0;
	}
	return result;
}

int perf_lane_drain(struct perf_lane *l, bool all, struct err *e)
{
	int result = 0;
	for (uint32_t cpu = 0; cpu < l->recode->cpus && !result; cpu++)
		result = drain_cpu(l, cpu, all, e);
	return result;
}

/* Positions of the records, newest first; but a loss stands behind the sample it came with. */
struct positions {
	uint64_t *items;
	size_t count, capacity;
};

static int find_records(struct perf_walk *w, struct positions *p)
{
	struct perf_record record;
	bool after_loss = false;
	for (uint64_t at = w->at; perf_walk_next(w, &record) == 1; at = w->at) {
		if (array_push(p, at))
			return -ENOMEM;
		if (after_loss) {
			uint64_t loss = p->items[p->count - 2];
			p->items[p->count - 2] = at;
			p->items[p->count - 1] = loss;
		}
		after_loss = record.kind == PERF_LOSS;
	}
	return 0;
}

static int snapshot_cpu(struct perf_lane *l, uint32_t cpu, void *copy, struct err *e)
{
	struct perf_record record;
	struct positions p = {0};
	int result = perf_ring_copy(&l->cpus[cpu].ring, copy, l->walk, e);
	if (!result && find_records(l->walk, &p))
		result = err_set(e, ENOMEM, "no memory for a snapshot of cpu %u", cpu);
	l->cpus[cpu].pending = 0;
	for (size_t i = p.count; i-- > 0 && !result;) {
		l->walk->at = p.items[i];
		if (perf_walk_next(l->walk, &record) == 1)
			result = recode_sample(l, cpu, &record, e);
	}
	array_free(&p);
	return result;
}

int perf_lane_snapshot(struct perf_lane *l, struct err *e)
{
	int result = 0;
	for (uint32_t cpu = 0; cpu < l->recode->cpus && !result; cpu++) {
		if (!l->cpus[cpu].ring.map)
			continue;
		void *copy = malloc(l->cpus[cpu].ring.bytes);
		result = copy ? snapshot_cpu(l, cpu, copy, e)
			      : err_set(e, ENOMEM, "no memory for a snapshot of cpu %u", cpu);
		free(copy);
	}
	return result;
}
