/* SPDX-License-Identifier: MIT */
#include "analysis/cpu_time.h"

#include <errno.h>

enum { CPU_TIMES_MAX = 4096 };

/* Up to now it was this thread that ran: the switch that ends the time says so. */
static void account(struct cpu_times *c, size_t cpu, int32_t tid, uint64_t to_ns)
{
	struct cpu_time *t = &c->cpus.items[cpu];
	if (to_ns <= t->since_ns)
		return;
	uint64_t span_ns = to_ns - t->since_ns;
	uint64_t gap_ns = gaps_between(losses_of(c->losses, (int32_t)cpu), t->since_ns, to_ns);
	if (tid == EVENT_TID_UNKNOWN || (t->tid != tid && t->tid != EVENT_TID_UNKNOWN && !gap_ns))
		gap_ns = span_ns;
	t->unknown_ns += gap_ns;
	*(tid ? &t->busy_ns : &t->idle_ns) += span_ns - gap_ns;
	t->since_ns = to_ns;
}

static int cpu_times_event(void *state, const struct event *e)
{
	struct cpu_times *c = state;
	if (e->cpu < 0 || e->cpu >= CPU_TIMES_MAX)
		return 0;
	while (c->cpus.count <= (size_t)e->cpu) {
		struct cpu_time *added = array_add(&c->cpus);
		if (!added)
			return -ENOMEM;
		added->since_ns = c->story->begin_ns;
		added->tid = EVENT_TID_UNKNOWN;
	}
	struct cpu_time *t = &c->cpus.items[e->cpu];
	t->seen = true;
	t->switches++;
	account(c, (size_t)e->cpu, (int32_t)event_int(e, SWITCH_PREV_TID), e->time_ns);
	t->tid = (int32_t)event_int(e, SWITCH_NEXT_TID);
	return 0;
}

static int cpu_times_finish(void *state)
{
	struct cpu_times *c = state;
	for (size_t cpu = 0; cpu < c->cpus.count; cpu++)
		account(c, cpu, c->cpus.items[cpu].tid, c->story->end_ns);
	return 0;
}

static int cpu_times_start(void *state, struct story *story)
{
	struct cpu_times *c = state;
	c->story = story;
	c->losses = story_state(story, &analysis_losses);
	return 0;
}

static void cpu_times_release(void *state)
{
	struct cpu_times *c = state;
	array_free(&c->cpus);
}

const struct analysis analysis_cpu_time = {
	.name = "cpu_time",
	.kinds = KIND(SCHED_SWITCH),
	.state_bytes = sizeof(struct cpu_times),
	.needs = (const struct analysis *const[]){&analysis_losses, NULL},
	.start = cpu_times_start,
	.event = cpu_times_event,
	.finish = cpu_times_finish,
	.release = cpu_times_release,
};
