/* SPDX-License-Identifier: MIT */
#include "analysis/losses.h"

#include <stdlib.h>

/* The number of gaps that ended by `at`: the index of the first that ends later. */
static size_t gaps_ended(const struct gaps *g, uint64_t at_ns)
{
	return array_count_to(&g->list, end_ns, at_ns);
}

/* Time spent in gaps from the beginning up to `at`. */
static uint64_t gaps_until(const struct gaps *g, uint64_t at_ns)
{
	size_t low = gaps_ended(g, at_ns);
	uint64_t until_ns = low ? g->list.items[low - 1].until_ns : 0;
	if (low < g->list.count && g->list.items[low].begin_ns < at_ns)
		until_ns += at_ns - g->list.items[low].begin_ns;
	return until_ns;
}

uint64_t gaps_between(const struct gaps *g, uint64_t from_ns, uint64_t to_ns)
{
	if (!g->list.count || g->list.items[g->list.count - 1].end_ns <= from_ns)
		return 0;
	return gaps_until(g, to_ns) - gaps_until(g, from_ns);
}

uint64_t gaps_first(const struct gaps *g, uint64_t from_ns, uint64_t to_ns)
{
	size_t first = gaps_ended(g, from_ns);
	if (first == g->list.count || g->list.items[first].begin_ns >= to_ns)
		return to_ns;
	uint64_t begin_ns = g->list.items[first].begin_ns;
	return begin_ns > from_ns ? begin_ns : from_ns;
}

uint64_t gaps_last_end(const struct gaps *g, uint64_t at_ns)
{
	size_t ended = gaps_ended(g, at_ns);
	return ended ? g->list.items[ended - 1].end_ns : 0;
}

const struct gap *gaps_last(const struct gaps *g, uint64_t from_ns, uint64_t to_ns)
{
	size_t next = to_ns ? gaps_ended(g, to_ns - 1) : 0;
	const struct gap *gap = NULL;
	if (next < g->list.count && g->list.items[next].begin_ns < to_ns)
		gap = &g->list.items[next];
	else if (next)
		gap = &g->list.items[next - 1];
	return gap && gap->end_ns > from_ns ? gap : NULL;
}

const struct gaps *losses_of(const struct losses *l, int32_t cpu)
{
	static const struct gaps none;
	if (cpu < 0)
		return &l->any;
	return (size_t)cpu < l->by_cpu.count ? &l->by_cpu.items[cpu] : &none;
}

/* Gaps arrive in the order of their ends; one that began earlier swallows those it covers. */
static int gaps_add(struct gaps *g, struct gap gap)
{
	while (g->list.count) {
		struct gap *last = &g->list.items[g->list.count - 1];
		if (last->end_ns < gap.begin_ns && g->list.count < GAPS_MAX)
			break;
		if (last->begin_ns < gap.begin_ns)
			gap.begin_ns = last->begin_ns;
		if (last->end_ns > gap.end_ns)
			gap.end_ns = last->end_ns;
		gap.events += last->events;
		g->list.count--;
	}
	gap.until_ns = gap.end_ns - gap.begin_ns;
	if (g->list.count)
		gap.until_ns += g->list.items[g->list.count - 1].until_ns;
	return array_push(&g->list, gap);
}

static int losses_event(void *state, const struct event *e)
{
	struct losses *l = state;
	struct gap gap = {
		.begin_ns = event_has(e, LOST_BEGIN) ? event_uint(e, LOST_BEGIN) : e->time_ns,
		.end_ns = e->time_ns,
		.events = event_uint(e, LOST_COUNT),
	};
	/* A gap is never empty, so that it is always noticed. */
	if (gap.begin_ns >= gap.end_ns)
		gap.begin_ns = gap.end_ns - (gap.end_ns > 0);
	l->events += gap.events;
	if (gaps_add(&l->any, gap))
		return -ENOMEM;
	if (e->cpu < 0 || e->cpu >= LOSSES_CPUS_MAX)
		return 0;
	while (l->by_cpu.count <= (size_t)e->cpu) {
		if (!array_add(&l->by_cpu))
			return -ENOMEM;
	}
	return gaps_add(&l->by_cpu.items[e->cpu], gap);
}

static void losses_release(void *state)
{
	struct losses *l = state;
	array_each(gaps, &l->by_cpu)
		array_free(&gaps->list);
	array_free(&l->by_cpu);
	array_free(&l->any.list);
}

const struct analysis analysis_losses = {
	.name = "losses",
	.kinds = KIND(LOST),
	.state_bytes = sizeof(struct losses),
	.event = losses_event,
	.release = losses_release,
};
