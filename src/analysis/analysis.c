/* SPDX-License-Identifier: MIT */
#include "analysis/analysis.h"

#include <stdlib.h>

const struct analysis *const analysis_all[] = {
	&analysis_threads,   &analysis_sites,
	&analysis_inventory, &analysis_losses,
	&analysis_causes,    &analysis_disks,
	&analysis_states,    &analysis_history,
	&analysis_waits,     &analysis_latency,
	&analysis_cpu_time,  &analysis_interrupts,
	&analysis_cost,      NULL,
};

/* Kinds that nobody recorded as they happened: the state dump. */
static const uint64_t kinds_of_state = KIND(STATE_THREAD) | KIND(STATE_ARGS) | KIND(STATE_MAP) |
				       KIND(STATE_FD) | KIND(STATE_IRQ) | KIND(STATE_DISK) |
				       KIND(STATE_SYMBOL) | KIND(STATE_CLOCK) | KIND(STATE_TARGET) |
				       KIND(STATE_RECORDER);

/* Lives are kept from before the window. */
static const uint64_t kinds_of_life =
	KIND(SCHED_FORK) | KIND(SCHED_EXEC) | KIND(SCHED_EXIT) | KIND(TASK_RENAME);

/* The members of a story that want one kind of event, in order. */
struct audience {
	unsigned count;
	uint8_t members[STORY_ANALYSES_MAX];
};

void *story_state(const struct story *s, const struct analysis *a)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->members[i].analysis == a)
			return s->members[i].state;
	}
	return NULL;
}

static int story_add(struct story *s, const struct analysis *a, struct err *e)
{
	if (story_state(s, a))
		return 0;
	for (const struct analysis *const *need = a->needs; need && *need; need++) {
		int rc = story_add(s, *need, e);
		if (rc)
			return rc;
	}
	if (s->count == STORY_ANALYSES_MAX)
		return err_set(e, E2BIG, "more than %d analyses in one run", STORY_ANALYSES_MAX);
	void *state = calloc(1, a->state_bytes);
	if (!state)
		return err_set(e, ENOMEM, "no memory for the analysis '%s'", a->name);
	s->members[s->count].analysis = a;
	s->members[s->count++].state = state;
	if (a->start && a->start(state, s))
		return err_set(e, ENOMEM, "no memory for the analysis '%s'", a->name);
	return 0;
}

void story_destroy(struct story *s)
{
	if (!s)
		return;
	while (s->count--) {
		if (s->members[s->count].analysis->release)
			s->members[s->count].analysis->release(s->members[s->count].state);
		free(s->members[s->count].state);
	}
	free(s);
}

static void audience_gather(struct audience audiences[EVENT_KINDS], const struct story *s)
{
	for (unsigned kind = 0; kind < EVENT_KINDS; kind++) {
		audiences[kind].count = 0;
		for (size_t i = 0; i < s->count; i++) {
			if (s->members[i].analysis->kinds >> kind & 1)
				audiences[kind].members[audiences[kind].count++] = (uint8_t)i;
		}
	}
}

static void story_see(struct story *s, const struct event *event)
{
	uint64_t kind = 1ull << event->type->kind;
	if (kinds_of_state & kind)
		return;
	if (event->type->kind != EVENT_LOST)
		s->events++;
	if (kinds_of_life & kind)
		return;
	/* A gap belongs to the window, unless it is all that came before it. */
	if (event->type->kind != EVENT_LOST && !s->begun) {
		s->begun = true;
		s->begin_ns = event->time_ns;
	}
	if (s->begun && event->time_ns > s->end_ns)
		s->end_ns = event->time_ns;
}

static int story_read(struct story *s, struct source *source, struct err *e)
{
	struct audience audiences[EVENT_KINDS];
	struct event event;
	int rc;
	audience_gather(audiences, s);
	while ((rc = source_next(source, &event, e)) > 0) {
		const struct audience *audience = &audiences[event.type->kind];
		story_see(s, &event);
		for (unsigned i = 0; i < audience->count; i++) {
			unsigned member = audience->members[i];
			if (s->members[member].analysis->event(s->members[member].state, &event))
				return err_set(e, ENOMEM, "no memory left while analysing");
		}
	}
	return rc;
}

static int story_finish(struct story *s, struct err *e)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct analysis *a = s->members[i].analysis;
		if (a->finish && a->finish(s->members[i].state))
			return err_set(e, ENOMEM, "no memory left at the end of '%s'", a->name);
	}
	return 0;
}

int analysis_run(struct source *source, const struct analysis *const *wanted, struct story **ret,
		 struct err *e)
{
	struct story *s = calloc(1, sizeof(*s));
	int rc = s ? 0 : err_set(e, ENOMEM, "no memory to analyse");
	for (; !rc && *wanted; wanted++)
		rc = story_add(s, *wanted, e);
	if (rc) {
		story_destroy(s);
		return rc;
	}
	rc = story_read(s, source, e);
	struct err late;
	int finished = story_finish(s, &late);
	if (finished && !rc) {
		*e = late;
		rc = finished;
	}
	*ret = s;
	return rc;
}
