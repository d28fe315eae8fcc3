/* SPDX-License-Identifier: MIT */
#include "analysis/path.h"

#include <errno.h>
#include <string.h>

enum { HOPS_MAX = 64, NESTING_MAX = 512 };

struct walk {
	const struct history *history;
	struct arena *arena;
	uint32_t left; /* segments that may still be made */
	bool cut, failed;
	unsigned depth;                               /* of waits */
	unsigned nesting;                             /* of threads and errands walked */
	const struct thread *waiting[PATH_DEPTH_MAX]; /* whose waits are being looked into */
};

/* Segments on their way, the latest first made, and how sure the way up to here is (P3). */
struct chain {
	struct segment *first;
	enum certainty certainty;
	bool own;      /* a thread's own time: each span stands for itself */
	uint32_t site; /* where the thread now walked ended the wait */
};

static void walk_thread(struct walk *w, struct chain *c, struct thread *thread, uint64_t from_ns,
			uint64_t to_ns);

const char *segment_kind_name(enum segment_kind kind)
{
	static const char *const names[SEGMENT_KINDS] = {"run",     "queue",       "blocked",
							 "device",  "timer",       "irq",
							 "softirq", "work_queued", "unknown"};
	return names[kind];
}

static bool lost_between(const struct walk *w, int32_t cpu, uint64_t from_ns, uint64_t to_ns)
{
	return gaps_between(losses_of(w->history->losses, cpu), from_ns, to_ns) > 0;
}

/* The segment before those there are. */
static struct segment *chain_add(struct walk *w, struct chain *c, enum segment_kind kind,
				 uint64_t from_ns, uint64_t to_ns, enum certainty certainty)
{
	static struct segment nowhere;
	struct segment *s = arena_alloc(w->arena, sizeof(*s));
	if (!s) {
		w->failed = true;
		return &nowhere;
	}
	w->left -= w->left > 0;
	*s = (struct segment){
		.next = c->first, .from_ns = from_ns, .to_ns = to_ns, .kind = kind, .cpu = -1};
	if (kind == SEGMENT_UNKNOWN)
		certainty = CERTAIN_UNKNOWN;
	else if (certainty < c->certainty)
		certainty = c->certainty;
	s->certainty = certainty;
	if (!c->own && certainty != CERTAIN_EXACT)
		c->certainty = CERTAIN_INFERRED;
	c->first = s;
	return s;
}

static const struct cause *keep_cause(struct walk *w, const struct cause *cause)
{
	struct cause *copy = arena_alloc(w->arena, sizeof(*copy));
	if (copy)
		*copy = *cause;
	else
		w->failed = true;
	return copy;
}

/*
 * During a gap of its own cpu a thread need not have run, and if it went then, it came back in
 * another gap: only before the first and behind the last of a span is it certain.
 */
static void add_run(struct walk *w, struct chain *c, struct thread *thread, const struct span *span,
		    uint64_t span_from_ns, uint64_t from_ns, uint64_t to_ns)
{
	const struct gaps *gaps = losses_of(w->history->losses, span->cpu);
	while (to_ns > from_ns) {
		const struct gap *gap = gaps_last(gaps, from_ns, to_ns);
		uint64_t begin_ns = from_ns;
		if (gap)
			begin_ns = gap->end_ns < to_ns ? gap->end_ns : gap->begin_ns;
		if (begin_ns < from_ns)
			begin_ns = from_ns;
		bool certain = !gaps_between(gaps, span_from_ns, to_ns) ||
			       !gaps_between(gaps, begin_ns, span->to_ns);
		struct segment *s = chain_add(w, c, SEGMENT_RUN, begin_ns, to_ns,
					      certain ? span->certainty : CERTAIN_INFERRED);
		s->thread = thread;
		s->cpu = span->cpu;
		s->site = c->own ? 0 : c->site;
		to_ns = begin_ns;
	}
}

/* Waiting for a cpu is waiting for whoever has it, one after the other. */
static void add_queue(struct walk *w, struct chain *c, struct thread *thread,
		      const struct span *span, uint64_t from_ns, uint64_t to_ns)
{
	while (to_ns > from_ns) {
		const struct thread *tenant = NULL;
		enum certainty certainty = span->certainty;
		uint64_t since_ns = from_ns;
		bool known = history_tenant(w->history, span->cpu, to_ns, &tenant, &since_ns);
		if (since_ns < from_ns || !w->left)
			since_ns = from_ns;
		if (lost_between(w, -1, since_ns, to_ns))
			certainty = CERTAIN_INFERRED;
		struct segment *s = chain_add(w, c, SEGMENT_QUEUE, since_ns, to_ns, certainty);
		s->thread = thread;
		s->cpu = span->cpu;
		s->woken = span->woken;
		s->tenant = tenant;
		s->idle = known && !tenant;
		to_ns = since_ns;
	}
}

static void add_unknown(struct walk *w, struct chain *c, struct thread *thread, uint64_t from_ns,
			uint64_t to_ns)
{
	if (to_ns > from_ns)
		chain_add(w, c, SEGMENT_UNKNOWN, from_ns, to_ns, CERTAIN_UNKNOWN)->thread = thread;
}

/* An interrupt, timer or softirq: nothing lies behind it. Events that say more may be lost. */
static void add_end(struct walk *w, struct chain *c, enum segment_kind kind,
		    const struct cause *cause, uint64_t from_ns, uint64_t to_ns)
{
	bool certain = kind == SEGMENT_TIMER || !w->history->losses->any.list.count;
	if (kind == SEGMENT_TIMER && lost_between(w, -1, from_ns, to_ns))
		certain = false;
	struct segment *s =
		chain_add(w, c, kind, from_ns, to_ns, certain ? CERTAIN_EXACT : CERTAIN_INFERRED);
	s->cause = keep_cause(w, cause);
}

/* The time a request was under way; where to go on before it, or 0 when that is all. */
static uint64_t add_device(struct walk *w, struct chain *c, const struct cause *cause,
			   uint64_t from_ns, uint64_t to_ns)
{
	const struct disk_request *r = &cause->request;
	uint64_t begin_ns = r->issue_ns > from_ns ? r->issue_ns : from_ns;
	if (begin_ns > to_ns)
		begin_ns = to_ns;
	bool doubtful = r->shared || !r->issue_ns || lost_between(w, -1, r->issue_ns, to_ns);
	if (to_ns > begin_ns) {
		struct segment *s = chain_add(w, c, SEGMENT_DEVICE, begin_ns, to_ns,
					      doubtful ? CERTAIN_INFERRED : CERTAIN_EXACT);
		s->cause = keep_cause(w, cause);
		s->thread = r->issuer;
	}
	return begin_ns;
}

/* A softirq that ran before another thread did is a part of whatever raised it. */
static bool ran_at_once(const struct walk *w, const struct cause *cause, uint64_t to_ns)
{
	const struct thread *tenant;
	uint64_t since_ns;
	return history_tenant(w->history, cause->cpu, to_ns, &tenant, &since_ns) &&
	       since_ns <= cause->at_ns;
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
			bool lost = lost_between(w, -1, raised_ns, to_ns);
			chain_add(w, c, SEGMENT_SOFTIRQ, raised_ns, to_ns,
				  lost ? CERTAIN_INFERRED : CERTAIN_EXACT)
				->cause = keep_cause(w, cause);
			to_ns = raised_ns;
		}
		switch (to_ns > from_ns ? cause->kind : CAUSE_KINDS) {
		case CAUSE_TASK:
			c->site = cause->site;
			walk_thread(w, c, cause->thread, from_ns, to_ns);
			return;
		case CAUSE_DISK:
			to_ns = add_device(w, c, cause, from_ns, to_ns);
			break;
		case CAUSE_TIMER:
			add_end(w, c, SEGMENT_TIMER, cause, from_ns, to_ns);
			return;
		case CAUSE_IRQ:
			add_end(w, c, SEGMENT_IRQ, cause, from_ns, to_ns);
			return;
		case CAUSE_SOFTIRQ:
			add_end(w, c, SEGMENT_SOFTIRQ, cause, from_ns, to_ns);
			return;
		default:
			add_unknown(w, c, waiter, from_ns, to_ns);
			return;
		}
		const struct reason *reason = history_reason(w->history, why);
		cause = reason ? &reason->cause : NULL;
		why = reason ? reason->why : 0;
	}
	add_unknown(w, c, waiter, from_ns, to_ns);
}

static bool is_waiting(const struct walk *w, const struct thread *thread)
{
	for (unsigned i = 0; i < w->depth; i++) {
		if (w->waiting[i] == thread)
			return true;
	}
	return false;
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
	if (certainty == CERTAIN_EXACT && lost_between(w, -1, sleep->from_ns, sleep->woken_ns))
		certainty = CERTAIN_INFERRED;
	struct segment *s = chain_add(w, c, SEGMENT_BLOCKED, from_ns, to_ns, certainty);
	s->thread = thread;
	s->sleep = sleep;
	if (is_waiting(w, thread)) { /* P4: the events contradict each other */
		s->certainty = CERTAIN_UNKNOWN;
		return;
	}
	if (!w->left || w->depth == PATH_DEPTH_MAX) {
		w->cut = true;
		return;
	}
	struct chain inner = {.certainty = s->certainty};
	w->waiting[w->depth++] = thread;
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
		add_run(w, c, thread, span, span_from(history_of(w->history, thread), index),
			from_ns, to_ns);
		break;
	case THREAD_QUEUED:
		add_queue(w, c, thread, span, from_ns, to_ns);
		break;
	case THREAD_BLOCKED:
		add_blocked(w, c, thread, index, from_ns, to_ns);
		break;
	default:
		add_unknown(w, c, thread, from_ns, to_ns);
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
		add_unknown(w, c, thread, end_ns > from_ns ? end_ns : from_ns, to_ns);
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
		add_unknown(w, c, worker, from_ns, to_ns);
		return;
	}
	uint64_t queued_ns = reason->cause.at_ns;
	if (queued_ns < from_ns)
		queued_ns = from_ns;
	if (to_ns > queued_ns) {
		bool lost = lost_between(w, -1, queued_ns, to_ns);
		struct segment *s = chain_add(w, c, SEGMENT_WORK, queued_ns, to_ns,
					      lost ? CERTAIN_INFERRED : CERTAIN_EXACT);
		s->cause = keep_cause(w, &reason->cause);
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
		add_unknown(w, c, thread, from_ns, to_ns);
		return;
	}
	w->waiting[w->depth++] = thread;
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
		add_unknown(w, c, thread, from_ns, to_ns);
		return;
	}
	w->nesting++;
	if (errand && errand->from_ns > from_ns) {
		walk_spans(w, c, thread, errand->from_ns, to_ns);
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
