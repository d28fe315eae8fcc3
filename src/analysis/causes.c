/* SPDX-License-Identifier: MIT */
#include "analysis/causes.h"

#include <errno.h>
#include <stdlib.h>

enum { CAUSES_CPUS_MAX = 4096 };

/* Softirqs whose work is somebody's: others (timers, scheduling, RCU) only have their time. */
static const unsigned softirqs_for_others = 1u << 0 /* HI */ | 1u << 2 /* NET_TX */ |
					    1u << 3 /* NET_RX */ | 1u << 4 /* BLOCK */ |
					    1u << 6 /* TASKLET */;

static struct cause_cpu *cpu_of(struct causes *c, int32_t cpu)
{
	if (cpu < 0 || cpu >= CAUSES_CPUS_MAX)
		return NULL;
	while (c->cpus.count <= (size_t)cpu) {
		if (!array_add(&c->cpus))
			return NULL;
	}
	return &c->cpus.items[cpu];
}

static void cause_of_task(struct causes *c, const struct event *e, struct cause *ret)
{
	*ret = (struct cause){
		.number = -1, .at_ns = e->time_ns, .thread = threads_get(c->threads, e->tid)};
	if (!ret->thread)
		return;
	ret->kind = CAUSE_TASK;
	const struct work *work = causes_doing(c, e->tid);
	if (work) {
		ret->function = work->function;
		ret->queuer = work->queuer;
	}
}

void causes_of(struct causes *c, const struct event *e, struct cause *ret)
{
	struct cause_cpu *cpu = cpu_of(c, e->cpu);
	if (cpu && cpu->depth)
		*ret = cpu->stack[cpu->depth - 1].cause;
	else
		cause_of_task(c, e, ret);
}

const struct cause *causes_kept(const struct causes *c, uint64_t number)
{
	bool kept = number && number <= c->kept_count && c->kept_count - number < CAUSES_KEPT;
	return kept ? &c->kept[number % CAUSES_KEPT] : NULL;
}

uint64_t causes_keep(struct causes *c, const struct event *e)
{
	if (!c->kept)
		c->kept = calloc(CAUSES_KEPT, sizeof(*c->kept));
	if (!c->kept)
		return 0;
	uint64_t number = ++c->kept_count;
	causes_of(c, e, &c->kept[number % CAUSES_KEPT]);
	return number;
}

const struct work *causes_doing(const struct causes *c, int32_t tid)
{
	return map_find_pointer(&c->doing, (uint32_t)tid);
}

/*
 * The waking says it came from an interrupt or softirq: is that the top of the stack? A handler
 * that was entered must have left unseen when a softirq speaks; an interrupt without a handler's
 * event (of another cpu, of the local timer) may stand above anything.
 */
static bool context_agrees(struct cause_cpu *cpu, bool irq)
{
	while (!irq && cpu->depth && cpu->stack[cpu->depth - 1].kind == CONTEXT_IRQ)
		cpu->depth--;
	return cpu->depth && !(irq && cpu->stack[cpu->depth - 1].kind == CONTEXT_SOFTIRQ);
}

void causes_of_waking(struct causes *c, const struct event *e, struct cause *ret)
{
	struct cause_cpu *cpu = cpu_of(c, e->cpu);
	uint64_t context = event_uint(e, WAKING_CONTEXT);
	if (cpu && event_has(e, WAKING_CONTEXT)) {
		bool irq = context & (WAKING_FROM_IRQ | WAKING_FROM_NMI);
		if (context == WAKING_FROM_TASK) {
			cpu->depth = 0;
		} else if (!context_agrees(cpu, irq)) {
			enum cause_kind kind = irq ? CAUSE_IRQ : CAUSE_SOFTIRQ;
			*ret = (struct cause){.kind = kind, .number = -1, .at_ns = e->time_ns};
			return;
		}
	}
	causes_of(c, e, ret);
	if (ret->kind == CAUSE_TASK && ret->number < 0)
		ret->site = (uint32_t)event_uint(e, WAKING_WAKER_SITE);
}

void causes_blame_disk(struct causes *c, const struct event *e, const struct disk_request *request)
{
	struct cause_cpu *cpu = cpu_of(c, e->cpu);
	if (!cpu || !cpu->depth)
		return;
	struct cause *cause = &cpu->stack[cpu->depth - 1].cause;
	*cause = (struct cause){.kind = CAUSE_DISK,
				.number = cause->number,
				.at_ns = e->time_ns,
				.request = *request};
}

static void enter(struct cause_cpu *cpu, enum context_kind kind, const struct cause *cause)
{
	if (cpu->depth == CAUSES_DEPTH_MAX) /* nothing nests that deep: exits were lost */
		cpu->depth = 0;
	cpu->stack[cpu->depth].kind = kind;
	cpu->stack[cpu->depth++].cause = *cause;
}

/* Back to below the innermost context of this kind; without one its entry was not seen. */
static void leave(struct cause_cpu *cpu, enum context_kind kind)
{
	for (unsigned depth = cpu->depth; depth > 0; depth--) {
		if (cpu->stack[depth - 1].kind == kind) {
			cpu->depth = depth - 1;
			return;
		}
	}
}

static void enter_softirq(struct cause_cpu *cpu, unsigned vec, uint64_t now_ns)
{
	struct cause cause = {.kind = CAUSE_SOFTIRQ, .number = (int32_t)vec, .at_ns = now_ns};
	if (vec < SOFTIRQS && cpu->raised[vec].kind) {
		cause = cpu->raised[vec];
		cause.number = (int32_t)vec;
		cpu->raised[vec].kind = CAUSE_UNKNOWN;
	}
	enter(cpu, CONTEXT_SOFTIRQ, &cause);
}

static void raised_by(const struct cause *cause, const struct event *e, struct cause *ret)
{
	*ret = *cause;
	ret->at_ns = e->time_ns;
	ret->cpu = e->cpu;
	ret->raised = true;
}

static bool is_same_actor(const struct cause *a, const struct cause *b)
{
	return a->kind == b->kind && a->thread == b->thread && a->kind == CAUSE_TASK;
}

/* One run of a softirq may do what several had raised it for, also while it ran: whose is what? */
static void raise_softirq(struct causes *c, struct cause_cpu *cpu, const struct event *e)
{
	uint64_t vec = event_uint(e, SOFTIRQ_RAISE_VEC);
	struct cause cause;
	if (vec >= SOFTIRQS || !(softirqs_for_others >> vec & 1))
		return;
	causes_of(c, e, &cause);
	for (unsigned i = 0; i < cpu->depth; i++) {
		struct cause *running = &cpu->stack[i].cause;
		if (running->raised && running->number == (int32_t)vec &&
		    !is_same_actor(running, &cause))
			running->shared = true;
	}
	if (!cpu->raised[vec].kind)
		raised_by(&cause, e, &cpu->raised[vec]);
	else if (!is_same_actor(&cpu->raised[vec], &cause))
		cpu->raised[vec].shared = true;
}

static int work_queued(struct causes *c, const struct event *e)
{
	if (c->queued.count >= WORKS_MAX) /* their starts are not recorded */
		map_deinit(&c->queued);
	uint64_t *place = map_put(&c->queued, event_uint(e, WORK_QUEUE_WORK));
	if (!place)
		return -ENOMEM;
	*place = causes_keep(c, e);
	return *place ? 0 : -ENOMEM;
}

static void work_ended(struct causes *c, int32_t tid)
{
	free(map_find_pointer(&c->doing, (uint32_t)tid));
	map_remove(&c->doing, (uint32_t)tid);
}

static int work_started(struct causes *c, const struct event *e)
{
	uint64_t key = event_uint(e, WORK_START_WORK);
	work_ended(c, e->tid);
	if (e->tid <= 0)
		return 0;
	struct work *work = calloc(1, sizeof(*work));
	uint64_t *place = work ? map_put(&c->doing, (uint32_t)e->tid) : NULL;
	if (!place) {
		free(work);
		return -ENOMEM;
	}
	uint64_t *queued = map_find(&c->queued, key);
	const struct cause *why = causes_kept(c, queued ? *queued : 0);
	work->function = event_uint(e, WORK_START_FUNCTION);
	work->why = why ? *queued : 0;
	/* Across a loss it may have been done and queued again: better none than the wrong one. */
	if (why && why->at_ns > c->lost_ns)
		work->queuer = why->queuer ? why->queuer : why->thread;
	map_remove(&c->queued, key);
	*place = (uintptr_t)work;
	return 0;
}

static void forget_works(struct causes *c)
{
	map_each(slot, &c->doing)
		free((void *)(uintptr_t)slot->value);
	map_deinit(&c->doing);
	map_deinit(&c->queued);
}

static void seen_timer(struct cause_cpu *cpu, uint64_t function, uint64_t now_ns)
{
	const struct cause cause = {
		.kind = CAUSE_TIMER, .number = -1, .at_ns = now_ns, .function = function};
	enter(cpu, CONTEXT_TIMER, &cause);
}

static int causes_event(void *state, const struct event *e)
{
	struct causes *c = state;
	struct cause_cpu *cpu = cpu_of(c, e->cpu);
	if (!cpu)
		return 0;
	switch (e->type->kind) {
	case EVENT_SCHED_SWITCH: /* only threads are switched: every context has ended */
		cpu->depth = 0;
		break;
	case EVENT_LOST:
		*cpu = (struct cause_cpu){0};
		c->lost_ns = e->time_ns;
		break;
	case EVENT_IRQ_ENTRY:
		enter(cpu, CONTEXT_IRQ,
		      &(struct cause){.kind = CAUSE_IRQ,
				      .number = (int32_t)event_int(e, IRQ_ENTRY_IRQ),
				      .at_ns = e->time_ns});
		break;
	case EVENT_IRQ_EXIT:
		leave(cpu, CONTEXT_IRQ);
		break;
	case EVENT_SOFTIRQ_ENTRY:
		enter_softirq(cpu, (unsigned)event_uint(e, SOFTIRQ_ENTRY_VEC), e->time_ns);
		break;
	case EVENT_SOFTIRQ_EXIT:
		leave(cpu, CONTEXT_SOFTIRQ);
		break;
	case EVENT_SOFTIRQ_RAISE:
		raise_softirq(c, cpu, e);
		break;
	case EVENT_HRTIMER_ENTRY:
		seen_timer(cpu, event_uint(e, HRTIMER_ENTRY_FUNCTION), e->time_ns);
		break;
	case EVENT_TIMER_ENTRY:
		seen_timer(cpu, event_uint(e, TIMER_ENTRY_FUNCTION), e->time_ns);
		break;
	case EVENT_HRTIMER_EXIT:
	case EVENT_TIMER_EXIT:
		leave(cpu, CONTEXT_TIMER);
		break;
	case EVENT_WORK_QUEUE:
		return work_queued(c, e);
	case EVENT_WORK_START:
		return work_started(c, e);
	case EVENT_WORK_END:
		work_ended(c, e->tid);
		break;
	default:
		break;
	}
	return 0;
}

static int causes_start(void *state, struct story *story)
{
	struct causes *c = state;
	c->threads = story_state(story, &analysis_threads);
	return 0;
}

static void causes_release(void *state)
{
	struct causes *c = state;
	forget_works(c);
	free(c->kept);
	array_free(&c->cpus);
}

const struct analysis analysis_causes = {
	.name = "causes",
	.kinds = KIND(SCHED_SWITCH) | KIND(LOST) | KIND(IRQ_ENTRY) | KIND(IRQ_EXIT) |
		 KIND(SOFTIRQ_ENTRY) | KIND(SOFTIRQ_EXIT) | KIND(SOFTIRQ_RAISE) |
		 KIND(HRTIMER_ENTRY) | KIND(HRTIMER_EXIT) | KIND(TIMER_ENTRY) | KIND(TIMER_EXIT) |
		 KIND(WORK_QUEUE) | KIND(WORK_START) | KIND(WORK_END),
	.state_bytes = sizeof(struct causes),
	.needs = (const struct analysis *const[]){&analysis_threads, NULL},
	.start = causes_start,
	.event = causes_event,
	.release = causes_release,
};
