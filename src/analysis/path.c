/* SPDX-License-Identifier: MIT */
#include "analysis/path_walk.h"
#include "analysis/syscalls.h"
#include "analysis/waits.h"

#include <errno.h>
#include <string.h>

enum { HOPS_MAX = 64, NESTING_MAX = 512 };

static void walk_thread(struct walk *w, struct chain *c, struct thread *thread, uint64_t from_ns,
			uint64_t to_ns);

/* A softirq that ran before another thread did is a part of whatever raised it. */
static bool ran_at_once(const struct walk *w, const struct cause *cause, uint64_t to_ns)
{
	const struct tenancy *t = history_tenancy(w->history, cause->cpu, to_ns);
	return t && t->from_ns <= cause->at_ns;
}

/* Backwards from `to`, when this cause acted, to `from` (P2). `why` is the reason behind it. */
static void walk_cause(struct walk *w, struct chain *c, struct thread *waiter,
		       const struct cause *cause, uint32_t why, uint64_t from_ns, uint64_t to_ns)
{
	for (unsigned hop = 0; cause && hop < HOPS_MAX && to_ns > from_ns; hop++) {
		if (cause->shared && c->certainty == CERTAIN_EXACT)
			c->certainty = CERTAIN_INFERRED;
		if (cause->raised && cause->at_ns < to_ns && !ran_at_once(w, cause, to_ns)) {
			uint64_t raised_ns = cause->at_ns > from_ns ? cause->at_ns : from_ns;
			bool lost = walk_lost(w, -1, raised_ns, to_ns);
			chain_add(w, c, SEGMENT_SOFTIRQ, raised_ns, to_ns,
				  lost ? CERTAIN_INFERRED : CERTAIN_EXACT)
				->cause = walk_keep_cause(w, cause);
			to_ns = raised_ns;
		}
		const struct reason *reason = history_reason(w->history, why);
		switch (to_ns > from_ns ? cause->kind : CAUSE_KINDS) {
		case CAUSE_TASK:
			c->site = cause->site;
			walk_thread(w, c, cause->thread, from_ns, to_ns);
			return;
		case CAUSE_DISK:
			to_ns = chain_add_device(w, c, cause, reason ? &reason->cause : NULL,
						 from_ns, to_ns);
			break;
		case CAUSE_TIMER:
			chain_add_end(w, c, SEGMENT_TIMER, cause, from_ns, to_ns);
			return;
		case CAUSE_IRQ:
			chain_add_end(w, c, SEGMENT_IRQ, cause, from_ns, to_ns);
			return;
		case CAUSE_SOFTIRQ:
			chain_add_end(w, c, SEGMENT_SOFTIRQ, cause, from_ns, to_ns);
			return;
		default:
			chain_add_unknown(w, c, waiter, from_ns, to_ns);
			return;
		}
		cause = reason ? &reason->cause : NULL;
		why = reason ? reason->why : 0;
	}
	chain_add_unknown(w, c, waiter, from_ns, to_ns);
}

static bool is_waiting(const struct walk *w, const struct thread *thread)
{
	for (unsigned i = 0; i < w->depth; i++) {
		if (w->waiting[i] == thread)
			return true;
	}
	return false;
}

static void enter(struct walk *w, const struct thread *thread, const struct sleep *sleep)
{
	w->waiting[w->depth] = thread;
	w->sleeps[w->depth++] = sleep;
}

/* The wait being looked into is for the same lock: who had it before is for that one to say. */
static bool is_same_lock(const struct walk *w, const struct sleep *sleep)
{
	const struct sleep *outer = w->depth ? w->sleeps[w->depth - 1] : NULL;
	const struct sites *sites = w->history->sites;
	return outer && outer->arg && outer->arg == sleep->arg && outer->thread->process &&
	       outer->thread->process == sleep->thread->process &&
	       syscall_kind(sleep_syscall(sites, outer)) == SYSCALL_FUTEX &&
	       syscall_kind(sleep_syscall(sites, sleep)) == SYSCALL_FUTEX;
}

/* Whoever waited in line for the lock too, and got it first, is passed over (P2). */
static void pass_over(struct walk *w, struct chain *c, const struct sleep *sleep, uint32_t why,
		      enum certainty certainty, uint64_t from_ns, uint64_t to_ns)
{
	uint32_t site = c->site;
	if (certainty > c->certainty)
		c->certainty = certainty;
	enter(w, sleep->thread, sleep);
	walk_cause(w, c, sleep->thread, &sleep->cause, why, from_ns, to_ns);
	w->depth--;
	c->site = site;
}

/* Events were lost meanwhile, or it seems to have been woken by one who did not run. */
static bool is_doubtful(const struct walk *w, const struct sleep *sleep)
{
	const struct cause *cause = &sleep->cause;
	if (walk_lost(w, -1, sleep->from_ns, sleep->woken_ns))
		return true;
	return cause->kind == CAUSE_TASK && !history_ran(w->history, cause->thread, cause->at_ns);
}

/*
 * A wait and what it was for. A part of it that lies before `from` is nobody's business; its end
 * is, as that is where the way back begins.
 */
static void add_blocked(struct walk *w, struct chain *c, struct thread *thread, size_t span,
			uint64_t from_ns, uint64_t to_ns)
{
	struct sleep *sleep = arena_alloc(w->arena, sizeof(*sleep));
	if (!sleep) {
		w->failed = true;
		return;
	}
	uint32_t why = history_sleep(w->history, thread, span, sleep);
	enum certainty certainty = sleep->certainty;
	bool looped = is_waiting(w, thread), deep = !w->left || w->depth == PATH_DEPTH_MAX;
	if (certainty == CERTAIN_EXACT && is_doubtful(w, sleep))
		certainty = CERTAIN_INFERRED;
	if (!looped && !deep && is_same_lock(w, sleep)) {
		pass_over(w, c, sleep, why, certainty, from_ns, to_ns);
		return;
	}
	struct segment *s = chain_add(w, c, SEGMENT_BLOCKED, from_ns, to_ns, certainty);
	s->thread = thread;
	s->sleep = sleep;
	if (looped) /* P4: the events contradict each other */
		s->certainty = CERTAIN_UNKNOWN;
	w->cut = w->cut || (deep && !looped);
	if (looped || deep)
		return;
	struct chain inner = {.certainty = s->certainty};
	enter(w, thread, sleep);
	walk_cause(w, &inner, thread, &sleep->cause, why, from_ns, to_ns);
	w->depth--;
	s->children = inner.first;
}

static void add_span(struct walk *w, struct chain *c, struct thread *thread, size_t index,
		     uint64_t from_ns, uint64_t to_ns)
{
	const struct span *span = &history_of(w->history, thread)->spans.items[index];
	switch (span->state) {
	case THREAD_RUNNING:
		chain_add_run(w, c, thread, span, span_from(history_of(w->history, thread), index),
			      from_ns, to_ns);
		break;
	case THREAD_QUEUED:
		chain_add_queue(w, c, thread, span, from_ns, to_ns);
		break;
	case THREAD_BLOCKED:
		add_blocked(w, c, thread, index, from_ns, to_ns);
		break;
	default:
		chain_add_unknown(w, c, thread, from_ns, to_ns);
	}
}

/* A thread's time by its own history alone, as far as that reaches; where it begins. */
static uint64_t walk_spans(struct walk *w, struct chain *c, struct thread *thread, uint64_t from_ns,
			   uint64_t to_ns)
{
	const struct thread_history *t = history_of(w->history, thread);
	size_t index = t ? history_span_at(t, to_ns) : SIZE_MAX;
	if (index == SIZE_MAX && t && t->spans.count && to_ns > t->begin_ns) {
		index = t->spans.count - 1; /* past its end */
		uint64_t end_ns = t->spans.items[index].to_ns;
		chain_add_unknown(w, c, thread, end_ns > from_ns ? end_ns : from_ns, to_ns);
		to_ns = end_ns;
	}
	for (; index != SIZE_MAX && to_ns > from_ns; index--) {
		uint64_t begin_ns = span_from(t, index);
		if (begin_ns < from_ns)
			begin_ns = from_ns;
		add_span(w, c, thread, index, begin_ns, to_ns);
		to_ns = begin_ns;
	}
	return to_ns;
}

/* What a worker did is somebody's work: before it began, that one's path goes on. */
static void walk_errand(struct walk *w, struct chain *c, struct thread *worker,
			const struct errand *errand, uint64_t from_ns)
{
	const struct reason *reason = history_reason(w->history, errand->why);
	uint64_t to_ns = errand->from_ns;
	if (!reason) { /* who queued it is not known: perhaps who woke the worker */
		c->certainty = CERTAIN_INFERRED;
		to_ns = walk_spans(w, c, worker, from_ns, to_ns);
		chain_add_unknown(w, c, worker, from_ns, to_ns);
		return;
	}
	uint64_t queued_ns = reason->cause.at_ns;
	if (queued_ns < from_ns)
		queued_ns = from_ns;
	if (queued_ns > to_ns)
		queued_ns = to_ns;
	if (to_ns > queued_ns) {
		bool lost = walk_lost(w, -1, queued_ns, to_ns);
		struct segment *s = chain_add(w, c, SEGMENT_WORK, queued_ns, to_ns,
					      lost ? CERTAIN_INFERRED : CERTAIN_EXACT);
		s->cause = walk_keep_cause(w, &reason->cause);
		s->function = errand->function;
		s->thread = worker;
	}
	walk_cause(w, c, worker, &reason->cause, reason->why, from_ns, queued_ns);
}

/* A thread that was born meanwhile: before that it was its parent's to act. */
static void walk_parent(struct walk *w, struct chain *c, struct thread *thread, uint64_t from_ns,
			uint64_t to_ns)
{
	const struct thread_history *t = history_of(w->history, thread);
	if (to_ns <= from_ns)
		return;
	if (!t || !t->parent || !thread->born_ns || w->depth == PATH_DEPTH_MAX) {
		chain_add_unknown(w, c, thread, from_ns, to_ns);
		return;
	}
	enter(w, thread, NULL);
	c->site = 0;
	walk_thread(w, c, t->parent, from_ns, to_ns);
	w->depth--;
}

/* What a thread did from `from` up to `to`, when it acted for somebody. */
static void walk_thread(struct walk *w, struct chain *c, struct thread *thread, uint64_t from_ns,
			uint64_t to_ns)
{
	const struct errand *errand = history_errand(w->history, thread, to_ns);
	if (w->nesting == NESTING_MAX) {
		chain_add_unknown(w, c, thread, from_ns, to_ns);
		return;
	}
	w->nesting++;
	if (errand && errand->from_ns > from_ns) {
		to_ns = walk_spans(w, c, thread, errand->from_ns, to_ns);
		chain_add_unknown(w, c, thread, errand->from_ns, to_ns);
		walk_errand(w, c, thread, errand, from_ns);
	} else {
		to_ns = walk_spans(w, c, thread, from_ns, to_ns);
		walk_parent(w, c, thread, from_ns, to_ns);
	}
	w->nesting--;
}

/* A wait that goes on behind the interval was explained up to its end. */
static void trim(struct segment **list, uint64_t to_ns)
{
	for (struct segment **s = list; *s; s = &(*s)->next) {
		if ((*s)->from_ns >= to_ns) {
			*s = NULL;
			return;
		}
		if ((*s)->to_ns > to_ns)
			(*s)->to_ns = to_ns;
		trim(&(*s)->children, to_ns);
	}
}

/* Where switches are missing everywhere and nothing says where, nothing is exact (P3). */
static void doubt_all(struct segment *list)
{
	for (; list; list = list->next) {
		if (list->certainty == CERTAIN_EXACT)
			list->certainty = CERTAIN_INFERRED;
		doubt_all(list->children);
	}
}

int path_explain(const struct history *h, struct thread *thread, uint64_t from_ns, uint64_t to_ns,
		 uint32_t segments_max, struct arena *arena, struct path *ret)
{
	const struct thread_history *t = history_of(h, thread);
	struct walk w = {.history = h, .arena = arena, .left = segments_max};
	struct chain chain = {.own = true};
	*ret = (struct path){.from_ns = from_ns, .to_ns = from_ns};
	if (!t || !t->spans.count)
		return 0;
	uint64_t end_ns = t->spans.items[t->spans.count - 1].to_ns;
	if (from_ns < t->begin_ns)
		from_ns = t->begin_ns;
	if (to_ns > end_ns)
		to_ns = end_ns;
	if (to_ns <= from_ns)
		return 0;
	size_t last = history_span_at(t, to_ns);
	walk_spans(&w, &chain, thread, from_ns, t->spans.items[last].to_ns);
	trim(&chain.first, to_ns);
	if (states_leak(h->states))
		doubt_all(chain.first);
	*ret = (struct path){
		.first = chain.first, .from_ns = from_ns, .to_ns = to_ns, .cut = w.cut};
	return w.failed ? -ENOMEM : 0;
}
