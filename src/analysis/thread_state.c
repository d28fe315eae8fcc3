/* SPDX-License-Identifier: MIT */
#include "analysis/thread_state.h"

#include <errno.h>
#include <stdlib.h>

enum { STATES_CPUS_MAX = 4096, TASK_STATE_BITS = 0xff };

void states_listen(struct states *s, struct states_listener listener)
{
	if (s->listener_count < STATES_LISTENERS_MAX)
		s->listeners[s->listener_count++] = listener;
}

const struct activity *states_of(const struct states *s, const struct thread *thread)
{
	static const struct activity none;
	return thread->index < s->by_thread.count ? &s->by_thread.items[thread->index] : &none;
}

static struct activity *activity_of(struct states *s, struct thread *thread)
{
	while (s->by_thread.count <= thread->index) {
		if (!array_add(&s->by_thread))
			return NULL;
	}
	struct activity *a = &s->by_thread.items[thread->index];
	a->thread = thread;
	return a;
}

static struct states_cpu *cpu_of(struct states *s, int32_t cpu)
{
	if (cpu < 0 || cpu >= STATES_CPUS_MAX)
		return NULL;
	while (s->cpus.count <= (size_t)cpu) {
		if (!array_add(&s->cpus))
			return NULL;
	}
	return &s->cpus.items[cpu];
}

static const struct gaps *gaps_of(const struct states *s, const struct activity *a)
{
	return losses_of(s->losses, a->state == THREAD_RUNNING ? a->cpu : -1);
}

static void tell_stretch(struct states *s, const struct stretch *stretch)
{
	for (unsigned i = 0; i < s->listener_count; i++) {
		const struct states_listener *l = &s->listeners[i];
		if (l->spent && l->spent(l->context, stretch))
			s->failed = true;
	}
}

/*
 * What is not known may still be guessed by what is known around it, where most of the time was
 * watched: whoever listens hears that, as inferred, and the account keeps it as unknown.
 */
static bool may_guess(const struct states *s, const struct activity *a, uint64_t to_ns)
{
	uint64_t unwatched_ns = gaps_between(&s->losses->any, a->since_ns, to_ns);
	return a->state == THREAD_UNKNOWN && a->guess && unwatched_ns * 2 <= to_ns - a->since_ns;
}

static void tell_spent(struct states *s, const struct activity *a, uint64_t to_ns, bool inferred)
{
	bool guessed = may_guess(s, a, to_ns);
	enum thread_state state = guessed ? a->guess : a->state;
	bool asleep = state == THREAD_BLOCKED && a->sleeping;
	const struct stretch stretch = {
		.thread = a->thread,
		.state = state,
		.certainty = state == THREAD_UNKNOWN ? CERTAIN_UNKNOWN
			     : inferred || guessed   ? CERTAIN_INFERRED
						     : CERTAIN_EXACT,
		.from_ns = a->since_ns,
		.to_ns = to_ns,
		.cpu = a->cpu,
		.woken = a->woken || a->sleeping,
		.sleep = asleep ? &a->sleep : NULL,
		.cause = asleep ? &a->sleep.cause : a->guess_cause,
	};
	tell_stretch(s, &stretch);
}

/* Counts the time since the last settling in the state believed in (R2). */
static void settle(struct states *s, struct activity *a, uint64_t to_ns, bool inferred)
{
	if (to_ns <= a->since_ns)
		return;
	tell_spent(s, a, to_ns, inferred);
	uint64_t span_ns = to_ns - a->since_ns;
	uint64_t unknown_ns = span_ns;
	if (a->state != THREAD_UNKNOWN)
		unknown_ns = gaps_between(gaps_of(s, a), a->since_ns, to_ns);
	a->times.state_ns[THREAD_UNKNOWN] += unknown_ns;
	if (a->state != THREAD_UNKNOWN)
		a->times.state_ns[a->state] += span_ns - unknown_ns;
	if (inferred)
		a->times.inferred_ns += span_ns - unknown_ns;
	a->since_ns = to_ns;
}

/* The state believed in holds no longer than up to the first gap (R3). */
static void doubt(struct states *s, struct activity *a, uint64_t to_ns)
{
	bool known = a->state != THREAD_UNKNOWN && a->state != THREAD_DEAD;
	uint64_t gap_ns = known ? gaps_first(gaps_of(s, a), a->since_ns, to_ns) : to_ns;
	if (gap_ns < to_ns)
		settle(s, a, gap_ns, false);
	else if (known)
		s->contradictions++;
	if (known)
		a->guess = a->state;
	a->state = THREAD_UNKNOWN;
	settle(s, a, to_ns, false);
	a->sleeping = a->woken = false;
	a->guess = THREAD_UNSEEN;
}

static bool gap_since(const struct states *s, const struct activity *a, uint64_t to_ns)
{
	return gaps_between(gaps_of(s, a), a->since_ns, to_ns) > 0;
}

static void tell_before(struct states *s, const struct activity *a, uint64_t from_ns,
			uint64_t to_ns, const struct cause *cause)
{
	bool unknown = a->before == THREAD_UNKNOWN;
	const struct stretch stretch = {
		.thread = a->thread,
		.state = a->before,
		.certainty = unknown ? CERTAIN_UNKNOWN : CERTAIN_INFERRED,
		.from_ns = from_ns,
		.to_ns = to_ns,
		.cpu = a->cpu,
		.woken = true,
		.cause = cause,
	};
	if (to_ns > from_ns)
		tell_stretch(s, &stretch);
}

/*
 * The first event of a thread: before it the thread seems to have been in this state, of which
 * this event is the end for this cause (NULL: unknown).
 */
static void begin(struct states *s, struct activity *a, uint64_t at_ns, enum thread_state before,
		  const struct cause *cause)
{
	uint64_t from_ns = s->story->begin_ns;
	if (a->thread->born_ns > from_ns)
		from_ns = a->thread->born_ns;
	if (from_ns > at_ns)
		from_ns = at_ns;
	uint64_t gap_ns = gaps_between(&s->losses->any, from_ns, at_ns);
	a->begin_ns = from_ns;
	a->before = before;
	a->before_ns = at_ns - from_ns - gap_ns;
	tell_before(s, a, from_ns, at_ns, cause);
	a->times.state_ns[THREAD_UNKNOWN] += gap_ns;
	a->since_ns = at_ns;
	a->state = THREAD_UNKNOWN;
}

static int report_sleep(struct states *s, const struct sleep *sleep)
{
	for (unsigned i = 0; i < s->listener_count; i++) {
		if (s->listeners[i].slept && s->listeners[i].slept(s->listeners[i].context, sleep))
			return -ENOMEM;
	}
	return 0;
}

static int report_queued(struct states *s, struct thread *thread, struct activity *a,
			 uint64_t from_ns, uint64_t to_ns)
{
	if (to_ns - from_ns > a->times.queue_ns_max)
		a->times.queue_ns_max = to_ns - from_ns;
	for (unsigned i = 0; i < s->listener_count; i++) {
		if (s->listeners[i].queued &&
		    s->listeners[i].queued(s->listeners[i].context, thread, from_ns, to_ns))
			return -ENOMEM;
	}
	return 0;
}

/* It runs again and nothing since it fell asleep says who woke it. */
static void end_sleep_unwoken(struct states *s, struct activity *a, uint64_t at_ns)
{
	a->sleep.woken_ns = at_ns;
	a->sleep.certainty = CERTAIN_INFERRED;
	if (gap_since(s, a, at_ns)) {
		a->sleep.certainty = CERTAIN_UNKNOWN;
		bool sleeping = a->sleeping;
		doubt(s, a, at_ns);
		a->sleeping = sleeping;
	} else if (a->early.at_ns) { /* R4: the waking came while it was falling asleep */
		a->sleep.woken_ns = a->sleep.from_ns;
		a->sleep.cause = a->early.cause;
		a->state = THREAD_QUEUED;
	}
	settle(s, a, at_ns, true);
}

static int switch_in(struct states *s, struct thread *thread, int32_t cpu, uint64_t at_ns)
{
	struct activity *a = activity_of(s, thread);
	if (!a)
		return -ENOMEM;
	int rc = 0;
	switch (a->state) {
	case THREAD_UNSEEN:
		a->cpu = cpu;
		begin(s, a, at_ns, THREAD_QUEUED, NULL);
		break;
	case THREAD_BLOCKED:
		a->cpu = cpu;
		end_sleep_unwoken(s, a, at_ns);
		break;
	case THREAD_QUEUED:
		a->cpu = cpu;
		if (gap_since(s, a, at_ns)) {
			doubt(s, a, at_ns);
		} else {
			if (a->woken)
				rc = report_queued(s, thread, a, a->since_ns, at_ns);
			settle(s, a, at_ns, false);
		}
		break;
	default:
		a->guess = THREAD_QUEUED;
		doubt(s, a, at_ns);
	}
	if (a->sleeping) {
		a->sleep.run_ns = at_ns;
		rc = rc ? rc : report_sleep(s, &a->sleep);
	}
	a->state = THREAD_RUNNING;
	a->cpu = cpu;
	a->sleeping = a->woken = false;
	a->early.at_ns = 0;
	return rc;
}

/* It stops running here; did it run here up to now? */
static void end_run(struct states *s, struct thread *thread, struct activity *a, int32_t cpu,
		    uint64_t at_ns)
{
	struct states_cpu *here = cpu_of(s, cpu);
	if (a->state == THREAD_RUNNING && a->cpu == cpu && (!here || here->current == thread)) {
		settle(s, a, at_ns, false);
		return;
	}
	if (a->state == THREAD_UNSEEN) {
		bool first = here && !here->seen;
		a->cpu = cpu;
		begin(s, a, at_ns, first ? THREAD_RUNNING : THREAD_UNKNOWN, NULL);
		return;
	}
	/* Since a gap on this cpu nobody else can have run here. */
	uint64_t gap_end_ns = gaps_last_end(losses_of(s->losses, cpu), at_ns);
	if (cpu >= 0 && gap_end_ns > a->since_ns) {
		doubt(s, a, gap_end_ns);
		a->state = THREAD_RUNNING;
		a->cpu = cpu;
		settle(s, a, at_ns, false);
	} else {
		a->guess = THREAD_RUNNING;
		doubt(s, a, at_ns);
	}
}

static int fall_asleep(struct states *s, struct thread *thread, struct activity *a,
		       const struct event *e)
{
	a->state = THREAD_BLOCKED;
	a->sleeping = true;
	a->times.sleeps++;
	a->sleep = (struct sleep){
		.thread = thread,
		.from_ns = e->time_ns,
		.task_state = (uint16_t)event_uint(e, SWITCH_PREV_STATE),
		.site = (uint32_t)event_uint(e, SWITCH_PREV_SITE),
		.arg = event_uint(e, SWITCH_PREV_ARG),
		.syscall = a->in_syscall - 1,
	};
	if (thread->process || !a->sleep.site)
		return 0;
	const struct site *site = sites_find(s->sites, a->sleep.site);
	return site ? threads_join(s->threads, thread, site->pid) : 0;
}

/* ftrace says of idle kernel threads with one bit what Linux means by dead with it. */
static bool is_last_switch(const struct thread *thread, uint64_t task_state)
{
	if (task_state & (TASK_EXIT_DEAD | TASK_ZOMBIE))
		return true;
	return task_state & TASK_DEAD && (thread->died_ns || (thread->process && !thread->kernel));
}

static int switch_out(struct states *s, struct thread *thread, const struct event *e)
{
	struct activity *a = activity_of(s, thread);
	if (!a)
		return -ENOMEM;
	uint64_t task_state = event_uint(e, SWITCH_PREV_STATE) & TASK_STATE_BITS;
	end_run(s, thread, a, e->cpu, e->time_ns);
	a->sleeping = a->woken = false;
	if (is_last_switch(thread, task_state)) {
		a->state = THREAD_DEAD;
	} else if (task_state == TASK_PREEMPTED) {
		a->state = THREAD_QUEUED;
		a->times.preemptions++;
	} else {
		return fall_asleep(s, thread, a, e);
	}
	return 0;
}

static int seen_switch(struct states *s, const struct event *e)
{
	struct thread *prev = threads_get(s->threads, (int32_t)event_int(e, SWITCH_PREV_TID));
	struct thread *next = threads_get(s->threads, (int32_t)event_int(e, SWITCH_NEXT_TID));
	struct states_cpu *cpu = cpu_of(s, e->cpu);
	struct thread *current = cpu ? cpu->current : NULL;
	int rc = 0;
	s->switches++;
	if (current && current != prev) {
		struct activity *a = activity_of(s, current);
		if (a && a->state == THREAD_RUNNING && a->cpu == e->cpu)
			doubt(s, a, e->time_ns);
	}
	if (prev)
		rc = switch_out(s, prev, e);
	if (next && !rc)
		rc = switch_in(s, next, e->cpu, e->time_ns);
	if (cpu) {
		cpu->seen = true;
		cpu->current = next;
	}
	return rc;
}

/* It was asleep up to now, and is in the queue from now on. */
static void wake_up(struct states *s, struct activity *a, const struct event *e,
		    const struct cause *cause)
{
	if (a->state == THREAD_UNSEEN)
		begin(s, a, e->time_ns, THREAD_BLOCKED, cause);
	if (a->sleeping) {
		a->sleep.woken_ns = e->time_ns;
		a->sleep.cause = *cause;
		if (gap_since(s, a, e->time_ns))
			a->sleep.certainty = CERTAIN_INFERRED;
	}
	a->guess = THREAD_BLOCKED;
	a->guess_cause = cause;
	settle(s, a, e->time_ns, false);
	a->guess = THREAD_UNSEEN;
	a->guess_cause = NULL;
	a->state = THREAD_QUEUED;
	a->woken = true;
}

/*
 * Where a waking says its place, that is the waker's process: if another one seems to run there, a
 * switch was not recorded, and who it was is not known.
 */
static void check_waker(const struct states *s, struct cause *cause)
{
	const struct site *site = sites_find(s->sites, cause->site);
	if (!site || cause->kind != CAUSE_TASK || !cause->thread->process ||
	    cause->thread->process->pid == site->pid)
		return;
	*cause = (struct cause){.number = -1, .site = cause->site};
}

static int seen_waking(struct states *s, const struct event *e, int32_t tid, bool cause_known)
{
	struct thread *thread = threads_get(s->threads, tid);
	struct activity *a = thread ? activity_of(s, thread) : NULL;
	struct cause cause = {.number = -1};
	if (!a)
		return thread ? -ENOMEM : 0;
	if (cause_known)
		causes_of_waking(s->causes, e, &cause);
	check_waker(s, &cause);
	switch (a->state) {
	case THREAD_RUNNING:
		a->early = (struct wake){.at_ns = e->time_ns, .cause = cause};
		break;
	case THREAD_QUEUED:
		if (!gap_since(s, a, e->time_ns))
			break; /* woken already */
		doubt(s, a, e->time_ns);
		wake_up(s, a, e, &cause);
		break;
	case THREAD_DEAD:
		break;
	default:
		wake_up(s, a, e, &cause);
	}
	return 0;
}

/* A new thread waits for its cpu from its birth on. */
static int seen_birth(struct states *s, const struct event *e, int32_t tid)
{
	struct thread *thread = threads_get(s->threads, tid);
	struct activity *a = thread ? activity_of(s, thread) : NULL;
	if (!a)
		return thread ? -ENOMEM : 0;
	if (!s->story->events) /* a life kept from before the window */
		return 0;
	if (a->state == THREAD_UNSEEN) {
		a->begin_ns = a->since_ns = e->time_ns;
		a->state = THREAD_QUEUED;
	} else if (a->state == THREAD_QUEUED && !a->woken) {
		settle(s, a, e->time_ns, false);
	}
	a->woken = a->state == THREAD_QUEUED && e->type->kind == EVENT_SCHED_WAKEUP_NEW;
	return 0;
}

static int seen_syscall(struct states *s, const struct event *e)
{
	struct thread *thread = threads_get(s->threads, e->tid);
	struct activity *a = thread ? activity_of(s, thread) : NULL;
	if (!a)
		return thread ? -ENOMEM : 0;
	bool entry = e->type->kind == EVENT_SYSCALL_ENTRY;
	a->in_syscall = entry ? (int32_t)event_int(e, SYSCALL_ENTRY_NR) + 1 : 0;
	return 0;
}

static int seen_event(struct states *s, const struct event *e)
{
	switch (e->type->kind) {
	case EVENT_SCHED_SWITCH:
		return seen_switch(s, e);
	case EVENT_SCHED_WAKING:
		s->wakings++;
		return seen_waking(s, e, (int32_t)event_int(e, WAKING_TID), true);
	case EVENT_SCHED_WAKEUP:
		/* Often on another cpu than the waker: only where nothing better is. */
		return s->wakings ? 0 : seen_waking(s, e, (int32_t)event_int(e, WAKEUP_TID), false);
	case EVENT_SCHED_WAKEUP_NEW:
		return seen_birth(s, e, (int32_t)event_int(e, WAKEUP_NEW_TID));
	case EVENT_SCHED_FORK:
		return seen_birth(s, e, (int32_t)event_int(e, FORK_CHILD_TID));
	default:
		return seen_syscall(s, e);
	}
}

static int states_event(void *state, const struct event *e)
{
	struct states *s = state;
	int rc = seen_event(s, e);
	return s->failed ? -ENOMEM : rc;
}

bool states_leak(const struct states *s)
{
	return !s->switches || s->contradictions * 100 > s->switches;
}

/* What was believed of the time before a thread's first event, once all is known. */
static void finish_before(struct states *s, struct activity *a)
{
	/* A recording that leaves threads out breaks the chain of switches everywhere. */
	if (states_leak(s) || a->before == THREAD_UNSEEN)
		a->before = THREAD_UNKNOWN;
	a->times.state_ns[a->before] += a->before_ns;
	if (a->before != THREAD_UNKNOWN)
		a->times.inferred_ns += a->before_ns;
}

static int finish_thread(struct states *s, struct thread *thread)
{
	struct activity *a = activity_of(s, thread);
	if (!a)
		return -ENOMEM;
	uint64_t end_ns = s->story->end_ns;
	if (thread->died_ns && thread->died_ns < end_ns)
		end_ns = thread->died_ns;
	if (a->state == THREAD_UNSEEN) { /* alive, and without one event: it slept */
		begin(s, a, end_ns, THREAD_BLOCKED, NULL);
		if (end_ns < s->story->begin_ns)
			a->before_ns = 0;
	} else if (a->state != THREAD_DEAD) {
		if (a->state != THREAD_BLOCKED && gap_since(s, a, end_ns))
			doubt(s, a, end_ns);
		settle(s, a, end_ns, false);
	}
	a->end_ns = a->since_ns;
	finish_before(s, a);
	if (!a->sleeping || (a->state != THREAD_BLOCKED && a->state != THREAD_QUEUED))
		return 0;
	a->sleep.open = a->state == THREAD_BLOCKED;
	a->sleep.run_ns = a->end_ns;
	if (a->sleep.open)
		a->sleep.woken_ns = a->end_ns;
	return report_sleep(s, &a->sleep);
}

static int states_finish(void *state)
{
	struct states *s = state;
	array_each(thread, &s->threads->all) {
		if (finish_thread(s, *thread) || s->failed)
			return -ENOMEM;
	}
	return 0;
}

static int states_start(void *state, struct story *story)
{
	struct states *s = state;
	s->story = story;
	s->threads = story_state(story, &analysis_threads);
	s->losses = story_state(story, &analysis_losses);
	s->sites = story_state(story, &analysis_sites);
	s->causes = story_state(story, &analysis_causes);
	return 0;
}

static void states_release(void *state)
{
	struct states *s = state;
	array_free(&s->by_thread);
	array_free(&s->cpus);
}

const struct analysis analysis_states = {
	.name = "states",
	.kinds = KIND(SCHED_SWITCH) | KIND(SCHED_WAKING) | KIND(SCHED_WAKEUP) |
		 KIND(SCHED_WAKEUP_NEW) | KIND(SCHED_FORK) | KIND(SYSCALL_ENTRY) |
		 KIND(SYSCALL_EXIT),
	.state_bytes = sizeof(struct states),
	.needs = (const struct analysis *const[]){&analysis_threads, &analysis_losses,
						  &analysis_sites, &analysis_causes,
						  &analysis_disks, NULL},
	.start = states_start,
	.event = states_event,
	.finish = states_finish,
	.release = states_release,
};
