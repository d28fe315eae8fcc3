/* SPDX-License-Identifier: MIT */
#include "analysis/history.h"

#include <errno.h>
#include <string.h>

const struct thread_history *history_of(const struct history *h, const struct thread *thread)
{
	if (!thread || thread->index >= h->by_thread.count)
		return NULL;
	const struct thread_history *t = &h->by_thread.items[thread->index];
	return t->spans.count || t->parent ? t : NULL;
}

static struct thread_history *history_get(struct history *h, const struct thread *thread)
{
	while (h->by_thread.count <= thread->index) {
		if (!array_add(&h->by_thread))
			return NULL;
	}
	return &h->by_thread.items[thread->index];
}

size_t history_span_at(const struct thread_history *t, uint64_t at_ns)
{
	size_t low = array_count_below(&t->spans, to_ns, at_ns);
	return low < t->spans.count && span_from(t, low) < at_ns ? low : SIZE_MAX;
}

const struct reason *history_reason(const struct history *h, uint32_t why)
{
	return why ? &h->reasons.items[why - 1] : NULL;
}

uint32_t history_sleep(const struct history *h, struct thread *thread, size_t index,
		       struct sleep *ret)
{
	const struct thread_history *t = &h->by_thread.items[thread->index];
	const struct span *span = &t->spans.items[index];
	*ret = (struct sleep){
		.thread = thread,
		.from_ns = span_from(t, index),
		.woken_ns = span->to_ns,
		.run_ns = span->to_ns,
		.certainty = span->certainty,
		.syscall = -1,
		.cause = {.number = -1, .at_ns = span->to_ns},
	};
	if (!span->rest)
		return 0;
	const struct rest *rest = &h->rests.items[span->rest - 1];
	ret->task_state = rest->task_state;
	ret->site = rest->site;
	ret->syscall = rest->syscall;
	ret->arg = rest->arg;
	ret->open = !rest->waker && !rest->why && index + 1 == t->spans.count;
	if (rest->waker) {
		ret->cause.kind = CAUSE_TASK;
		ret->cause.thread = h->threads->all.items[rest->waker - 1];
		ret->cause.site = rest->waker_site;
		return 0;
	}
	const struct reason *reason = history_reason(h, rest->why);
	if (!reason)
		return 0;
	ret->cause = reason->cause;
	return reason->why;
}

const struct errand *history_errand(const struct history *h, const struct thread *thread,
				    uint64_t at_ns)
{
	const struct thread_history *t = history_of(h, thread);
	size_t low = t ? array_count_below(&t->errands, from_ns, at_ns) : 0;
	const struct errand *errand = low ? &t->errands.items[low - 1] : NULL;
	return errand && errand->to_ns >= at_ns ? errand : NULL;
}

bool history_ran(const struct history *h, const struct thread *thread, uint64_t at_ns)
{
	const struct thread_history *t = history_of(h, thread);
	size_t index = t ? history_span_at(t, at_ns) : SIZE_MAX;
	return index != SIZE_MAX && t->spans.items[index].state == THREAD_RUNNING &&
	       t->spans.items[index].certainty == CERTAIN_EXACT;
}

const struct tenancy *history_tenancy(const struct history *h, int32_t cpu, uint64_t at_ns)
{
	if (cpu < 0 || (size_t)cpu >= h->cpus.count)
		return NULL;
	size_t low = array_count_below(&h->cpus.items[cpu].tenancies, from_ns, at_ns);
	return low ? &h->cpus.items[cpu].tenancies.items[low - 1] : NULL;
}

enum { HOPS_MAX = 16 }; /* a request issued when another ended, and so on */

/* What a number stands for and the hops behind it: one more than its index; 0: nothing. */
static int keep_number(struct history *h, uint64_t number, unsigned hops, uint32_t *ret)
{
	const struct cause *cause = hops ? causes_kept(h->causes, number) : NULL;
	*ret = 0;
	if (!cause)
		return 0;
	uint64_t *known = map_put(&h->numbers, number);
	if (!known)
		return -ENOMEM;
	if (!*known) {
		if (array_push(&h->reasons, (struct reason){.cause = *cause}))
			return -ENOMEM;
		*known = h->reasons.count;
		uint32_t index = (uint32_t)*known - 1, why = 0;
		if (cause->kind == CAUSE_DISK && keep_number(h, cause->request.why, hops - 1, &why))
			return -ENOMEM;
		h->reasons.items[index].why = why;
		*ret = index + 1;
		return 0;
	}
	*ret = (uint32_t)*known;
	return 0;
}

static bool is_plain_waking(const struct cause *cause)
{
	return cause->kind == CAUSE_TASK && !cause->raised;
}

static int keep_cause(struct history *h, const struct cause *cause, struct rest *rest)
{
	if (is_plain_waking(cause)) {
		rest->waker = cause->thread->index + 1;
		rest->waker_site = cause->site;
		return 0;
	}
	if (cause->kind == CAUSE_UNKNOWN && !cause->site)
		return 0;
	struct reason reason = {.cause = *cause};
	if (cause->kind == CAUSE_DISK && keep_number(h, cause->request.why, HOPS_MAX, &reason.why))
		return -ENOMEM;
	if (array_push(&h->reasons, reason))
		return -ENOMEM;
	rest->why = (uint32_t)h->reasons.count;
	return 0;
}

static int keep_rest(struct history *h, const struct stretch *stretch, struct span *span)
{
	struct rest rest = {.syscall = -1};
	if (stretch->sleep) {
		rest.arg = stretch->sleep->arg;
		rest.site = stretch->sleep->site;
		rest.syscall = (int16_t)stretch->sleep->syscall;
		rest.task_state = stretch->sleep->task_state;
	}
	if (stretch->cause && keep_cause(h, stretch->cause, &rest))
		return -ENOMEM;
	if (array_push(&h->rests, rest))
		return -ENOMEM;
	span->rest = (uint32_t)h->rests.count;
	return 0;
}

static int history_spent(void *context, const struct stretch *stretch)
{
	struct history *h = context;
	struct thread_history *t = history_get(h, stretch->thread);
	if (!t)
		return -ENOMEM;
	if (h->span_count == HISTORY_SPANS_MAX) {
		h->full_ns = h->full_ns ? h->full_ns : stretch->from_ns;
		return 0;
	}
	struct span span = {
		.to_ns = stretch->to_ns,
		.cpu = (int16_t)stretch->cpu,
		.state = (uint8_t)stretch->state,
		.certainty = (uint8_t)stretch->certainty & 0xf,
		.woken = stretch->woken,
	};
	if (!t->spans.count)
		t->begin_ns = stretch->from_ns;
	if (stretch->state == THREAD_BLOCKED && keep_rest(h, stretch, &span))
		return -ENOMEM;
	h->span_count++;
	return array_push(&t->spans, span);
}

static struct cpu_history *cpu_get(struct history *h, int32_t cpu)
{
	while (h->cpus.count <= (size_t)cpu) {
		if (!array_add(&h->cpus))
			return NULL;
	}
	return &h->cpus.items[cpu];
}

static uint32_t tenant_of(struct history *h, int64_t tid)
{
	const struct thread *thread = threads_get(h->threads, (int32_t)tid);
	return thread ? thread->index + 1 : 0;
}

static int seen_switch(struct history *h, const struct event *e)
{
	if (e->cpu < 0 || e->cpu >= HISTORY_CPUS_MAX || h->full_ns)
		return 0;
	struct cpu_history *cpu = cpu_get(h, e->cpu);
	if (!cpu)
		return -ENOMEM;
	const struct tenancy next = {.from_ns = e->time_ns,
				     .tenant = tenant_of(h, event_int(e, SWITCH_NEXT_TID))};
	size_t count = cpu->tenancies.count;
	struct tenancy *last = count ? &cpu->tenancies.items[count - 1] : NULL;
	if (last && last->tenant != tenant_of(h, event_int(e, SWITCH_PREV_TID)))
		last->doubtful = true;
	return array_push(&cpu->tenancies, next);
}

static int seen_fork(struct history *h, const struct event *e)
{
	struct thread *parent = threads_get(h->threads, (int32_t)event_int(e, FORK_PARENT_TID));
	struct thread *child = threads_get(h->threads, (int32_t)event_int(e, FORK_CHILD_TID));
	struct thread_history *t = child ? history_get(h, child) : NULL;
	if (child && !t)
		return -ENOMEM;
	if (t)
		t->parent = parent;
	return 0;
}

static int seen_work_start(struct history *h, const struct event *e)
{
	const struct work *work = causes_doing(h->causes, e->tid);
	struct thread *thread = threads_get(h->threads, e->tid);
	struct thread_history *t = work && thread ? history_get(h, thread) : NULL;
	if (!t || h->full_ns)
		return work && thread && !t ? -ENOMEM : 0;
	struct errand errand = {
		.from_ns = e->time_ns, .to_ns = UINT64_MAX, .function = work->function};
	if (keep_number(h, work->why, HOPS_MAX, &errand.why))
		return -ENOMEM;
	return array_push(&t->errands, errand);
}

/* A worker does one thing at a time: the next start ends what has not been seen to end. */
static void end_errand(struct history *h, const struct event *e)
{
	const struct thread *thread = threads_find(h->threads, e->tid);
	if (!thread || thread->index >= h->by_thread.count)
		return;
	struct thread_history *t = &h->by_thread.items[thread->index];
	struct errand *last = t->errands.count ? &t->errands.items[t->errands.count - 1] : NULL;
	if (last && last->to_ns == UINT64_MAX)
		last->to_ns = e->time_ns;
}

static int history_event(void *state, const struct event *e)
{
	switch (e->type->kind) {
	case EVENT_SCHED_SWITCH:
		return seen_switch(state, e);
	case EVENT_SCHED_FORK:
		return seen_fork(state, e);
	case EVENT_WORK_START:
		end_errand(state, e);
		return seen_work_start(state, e);
	default:
		end_errand(state, e);
		return 0;
	}
}

static int history_start(void *state, struct story *story)
{
	struct history *h = state;
	h->story = story;
	h->threads = story_state(story, &analysis_threads);
	h->losses = story_state(story, &analysis_losses);
	h->states = story_state(story, &analysis_states);
	h->causes = story_state(story, &analysis_causes);
	h->sites = story_state(story, &analysis_sites);
	states_listen(story_state(story, &analysis_states),
		      (struct states_listener){.context = h, .spent = history_spent});
	return 0;
}

static void history_release(void *state)
{
	struct history *h = state;
	array_each(t, &h->by_thread) {
		array_free(&t->spans);
		array_free(&t->errands);
	}
	array_each(cpu, &h->cpus)
		array_free(&cpu->tenancies);
	array_free(&h->cpus);
	array_free(&h->by_thread);
	array_free(&h->rests);
	array_free(&h->reasons);
	map_deinit(&h->numbers);
}

const struct analysis analysis_history = {
	.name = "history",
	.kinds = KIND(SCHED_SWITCH) | KIND(SCHED_FORK) | KIND(WORK_START) | KIND(WORK_END),
	.state_bytes = sizeof(struct history),
	.needs = (const struct analysis *const[]){&analysis_states, NULL},
	.start = history_start,
	.event = history_event,
	.release = history_release,
};
