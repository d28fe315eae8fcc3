/* SPDX-License-Identifier: MIT */
#include "analysis/path_walk.h"

const char *segment_kind_name(enum segment_kind kind)
{
	static const char *const names[SEGMENT_KINDS] = {"run",     "queue",       "blocked",
							 "device",  "timer",       "irq",
							 "softirq", "work_queued", "unknown"};
	return names[kind];
}

bool walk_lost(const struct walk *w, int32_t cpu, uint64_t from_ns, uint64_t to_ns)
{
	return gaps_between(losses_of(w->history->losses, cpu), from_ns, to_ns) > 0;
}

/* The segment before those there are. */
struct segment *chain_add(struct walk *w, struct chain *c, enum segment_kind kind, uint64_t from_ns,
			  uint64_t to_ns, enum certainty certainty)
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

const struct cause *walk_keep_cause(struct walk *w, const struct cause *cause)
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
void chain_add_run(struct walk *w, struct chain *c, struct thread *thread, const struct span *span,
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
void chain_add_queue(struct walk *w, struct chain *c, struct thread *thread,
		     const struct span *span, uint64_t from_ns, uint64_t to_ns)
{
	while (to_ns > from_ns) {
		const struct tenancy *t = history_tenancy(w->history, span->cpu, to_ns);
		enum certainty certainty = span->certainty;
		uint64_t since_ns = t && t->from_ns > from_ns && w->left ? t->from_ns : from_ns;
		if ((t && t->doubtful) || walk_lost(w, -1, since_ns, to_ns))
			certainty = CERTAIN_INFERRED;
		struct segment *s = chain_add(w, c, SEGMENT_QUEUE, since_ns, to_ns, certainty);
		s->thread = thread;
		s->cpu = span->cpu;
		s->woken = span->woken;
		s->tenant = t ? history_tenant(w->history, t) : NULL;
		s->idle = t && !s->tenant;
		to_ns = since_ns;
	}
}

void chain_add_unknown(struct walk *w, struct chain *c, struct thread *thread, uint64_t from_ns,
		       uint64_t to_ns)
{
	if (to_ns > from_ns)
		chain_add(w, c, SEGMENT_UNKNOWN, from_ns, to_ns, CERTAIN_UNKNOWN)->thread = thread;
}

/* An interrupt, timer or softirq: nothing lies behind it. Events that say more may be lost. */
void chain_add_end(struct walk *w, struct chain *c, enum segment_kind kind,
		   const struct cause *cause, uint64_t from_ns, uint64_t to_ns)
{
	bool certain = kind == SEGMENT_TIMER || !w->history->losses->any.list.count;
	if (kind == SEGMENT_TIMER && walk_lost(w, -1, from_ns, to_ns))
		certain = false;
	struct segment *s =
		chain_add(w, c, kind, from_ns, to_ns, certain ? CERTAIN_EXACT : CERTAIN_INFERRED);
	s->cause = walk_keep_cause(w, cause);
}

uint64_t chain_add_device(struct walk *w, struct chain *c, const struct cause *cause,
			  const struct cause *issue, uint64_t from_ns, uint64_t to_ns)
{
	const struct disk_request *r = &cause->request;
	uint64_t begin_ns = r->issue_ns > from_ns ? r->issue_ns : from_ns;
	if (begin_ns > to_ns)
		begin_ns = to_ns;
	bool doubtful = r->shared || !r->issue_ns || walk_lost(w, -1, r->issue_ns, to_ns) ||
			(issue && issue->kind == CAUSE_TASK &&
			 !history_ran(w->history, issue->thread, issue->at_ns));
	if (to_ns > begin_ns) {
		struct segment *s = chain_add(w, c, SEGMENT_DEVICE, begin_ns, to_ns,
					      doubtful ? CERTAIN_INFERRED : CERTAIN_EXACT);
		s->cause = walk_keep_cause(w, cause);
		s->thread = r->issuer;
	}
	return begin_ns;
}
