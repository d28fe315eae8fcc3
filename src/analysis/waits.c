/* SPDX-License-Identifier: MIT */
#include "analysis/waits.h"

#include <errno.h>

int32_t sleep_syscall(const struct sites *sites, const struct sleep *sleep)
{
	const struct site *site = sites_find(sites, sleep->site);
	return site ? site->syscall : sleep->syscall;
}

static uint64_t wait_cause_key(const struct cause *cause)
{
	switch (cause->kind) {
	case CAUSE_TASK:
		return cause->thread->index;
	case CAUSE_TIMER:
		return cause->function;
	case CAUSE_DISK:
		return cause->request.dev;
	default:
		return (uint32_t)cause->number;
	}
}

static uint64_t group_hash(const struct wait_group *g)
{
	const uint64_t parts[] = {g->thread->index, g->site,      (uint32_t)g->syscall,
				  g->cause,         g->cause_key, g->open};
	return map_key(parts, sizeof(parts) / sizeof(parts[0]));
}

static bool group_equals(const struct wait_group *a, const struct wait_group *b)
{
	return a->thread == b->thread && a->site == b->site && a->syscall == b->syscall &&
	       a->cause == b->cause && a->cause_key == b->cause_key && a->open == b->open;
}

/* The group's place, made when it is new; NULL without memory, or when there are too many. */
static struct wait_group *group_of(struct waits *w, const struct wait_group *wanted)
{
	for (uint64_t key = group_hash(wanted);; key++) {
		uint64_t *index = map_find(&w->by_key, key);
		if (index && group_equals(&w->groups.items[*index - 1], wanted))
			return &w->groups.items[*index - 1];
		if (index)
			continue;
		if (w->groups.count >= WAIT_GROUPS_MAX)
			return NULL;
		index = map_put(&w->by_key, key);
		if (!index || array_push(&w->groups, *wanted))
			return NULL;
		*index = w->groups.count;
		return &w->groups.items[w->groups.count - 1];
	}
}

static int waits_slept(void *context, const struct sleep *sleep)
{
	struct waits *w = context;
	const struct wait_group wanted = {
		.thread = sleep->thread,
		.site = sleep->site,
		.syscall = sleep_syscall(w->sites, sleep),
		.cause = sleep->cause.kind,
		.cause_key = wait_cause_key(&sleep->cause),
		.open = sleep->open,
	};
	/* Of this one it is not even known that it was one sleep. */
	if (sleep->certainty == CERTAIN_UNKNOWN)
		return 0;
	struct wait_group *g = group_of(w, &wanted);
	if (!g) {
		w->ungrouped++;
		return 0;
	}
	if (!g->count || sleep_ns(sleep) > sleep_ns(&g->longest))
		g->longest = *sleep;
	g->count++;
	g->total_ns += sleep_ns(sleep);
	g->queue_ns += sleep->run_ns - sleep->woken_ns;
	return 0;
}

static int waits_start(void *state, struct story *story)
{
	struct waits *w = state;
	w->sites = story_state(story, &analysis_sites);
	states_listen(story_state(story, &analysis_states),
		      (struct states_listener){.context = w, .slept = waits_slept});
	return 0;
}

static void waits_release(void *state)
{
	struct waits *w = state;
	array_free(&w->groups);
	map_deinit(&w->by_key);
}

const struct analysis analysis_waits = {
	.name = "waits",
	.state_bytes = sizeof(struct waits),
	.needs = (const struct analysis *const[]){&analysis_states, NULL},
	.start = waits_start,
	.release = waits_release,
};
