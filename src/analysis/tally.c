/* SPDX-License-Identifier: MIT */
#include "analysis/tally.h"

#include <errno.h>
#include <string.h>

int tallies_init(struct tallies *t)
{
	*t = (struct tallies){.arena = arena_create()};
	return t->arena ? 0 : -ENOMEM;
}

void tallies_deinit(struct tallies *t)
{
	arena_destroy(t->arena);
	map_deinit(&t->by_key);
}

static uint64_t key_hash(const struct tally_key *k)
{
	const uint64_t parts[] = {(uintptr_t)k->parent,
				  k->kind,
				  k->ended,
				  (uintptr_t)k->thread,
				  k->site,
				  (uint32_t)k->syscall,
				  k->object,
				  k->woken,
				  k->idle};
	return map_key(parts, sizeof(parts) / sizeof(parts[0]));
}

static bool key_equals(const struct tally_key *a, const struct tally_key *b)
{
	return a->parent == b->parent && a->kind == b->kind && a->ended == b->ended &&
	       a->thread == b->thread && a->site == b->site && a->syscall == b->syscall &&
	       a->object == b->object && a->woken == b->woken && a->idle == b->idle;
}

/* The line of this key, made when it is new; the parent itself where no more lines fit. */
static struct tally *line_of(struct tallies *t, const struct tally_key *wanted)
{
	struct tally *parent = (struct tally *)wanted->parent;
	for (uint64_t hash = key_hash(wanted);; hash++) {
		struct tally *line = map_find_pointer(&t->by_key, hash);
		if (line && key_equals(&line->key, wanted))
			return line;
		if (line)
			continue;
		if (t->line_count == TALLY_LINES_MAX)
			return parent;
		line = arena_alloc(t->arena, sizeof(*line));
		uint64_t *place = line ? map_put(&t->by_key, hash) : NULL;
		if (!place) {
			t->failed = true;
			return parent;
		}
		*place = (uintptr_t)line;
		line->key = *wanted;
		line->next = parent->children;
		parent->children = line;
		t->line_count++;
		return line;
	}
}

static uint64_t object_of(const struct segment *s)
{
	switch (s->kind) {
	case SEGMENT_BLOCKED:
		return s->sleep->site ? s->sleep->arg : 0;
	case SEGMENT_DEVICE:
		return (uint64_t)s->cause->request.dev << 8 | s->cause->request.op;
	case SEGMENT_TIMER:
		return s->cause->function;
	case SEGMENT_IRQ:
	case SEGMENT_SOFTIRQ:
		return (uint32_t)s->cause->number;
	case SEGMENT_WORK:
		return s->function;
	default:
		return 0;
	}
}

static struct tally_key key_of(const struct tallies *t, const struct segment *s,
			       const struct tally *parent)
{
	struct tally_key key = {
		.parent = parent, .kind = s->kind, .syscall = -1, .object = object_of(s)};
	bool threads_own = s->kind == SEGMENT_RUN || s->kind == SEGMENT_QUEUE ||
			   s->kind == SEGMENT_BLOCKED || s->kind == SEGMENT_UNKNOWN;
	key.thread = threads_own ? s->thread : NULL;
	key.woken = s->woken;
	if (s->kind == SEGMENT_BLOCKED) {
		key.site = s->sleep->site;
		if (t->place)
			key.site = t->place(t->context, key.site);
		key.syscall = s->sleep->syscall;
		key.ended = s->sleep->cause.kind;
	}
	return key;
}

static void line_count(struct tally *line, const struct segment *s)
{
	uint64_t ns = segment_ns(s);
	line->total_ns += ns;
	line->count++;
	if (ns < line->longest_ns)
		return;
	line->longest_ns = ns;
	line->at_ns = s->from_ns;
	if (s->sleep)
		line->sleep = *s->sleep;
	if (s->cause)
		line->cause = *s->cause;
}

static void count_leaf(struct tallies *t, struct tally *line, const struct segment *s)
{
	uint64_t ns = segment_ns(s);
	if (s->certainty == CERTAIN_EXACT)
		t->exact_ns += ns;
	else if (s->certainty == CERTAIN_INFERRED)
		t->inferred_ns += ns;
	else
		t->unknown_ns += ns;
	if (s->certainty == CERTAIN_INFERRED)
		line->uncertain_ns += ns;
}

/* Whoever acts on a waiter's behalf has a line of its own above what it did. */
static struct tally *actor_of(struct tallies *t, struct tally *wait, const struct segment *s,
			      const struct segment *before)
{
	const struct tally_key key = {
		.parent = wait, .kind = TALLY_FOR, .thread = s->thread, .syscall = -1};
	struct tally *line = line_of(t, &key);
	if (line == wait)
		return wait;
	bool same = before && before->thread == s->thread;
	line->total_ns += segment_ns(s);
	line->count += !same;
	if (s->site)
		line->cause.site = s->site;
	line->piece_ns = same ? line->piece_ns + segment_ns(s) : segment_ns(s);
	if (line->piece_ns >= line->longest_ns) {
		line->longest_ns = line->piece_ns;
		line->at_ns = s->from_ns;
	}
	return line;
}

/* Below a queue's line one for each who had the cpu. */
static struct tally *tenant_of(struct tallies *t, struct tally *queue, const struct segment *s)
{
	const struct tally_key key = {.parent = queue,
				      .kind = TALLY_BEHIND,
				      .thread = s->tenant,
				      .syscall = -1,
				      .idle = s->idle};
	struct tally *line = line_of(t, &key);
	if (line != queue)
		line_count(line, s);
	return line;
}

static bool has_actor(const struct segment *s)
{
	return s->thread &&
	       (s->kind == SEGMENT_RUN || s->kind == SEGMENT_QUEUE || s->kind == SEGMENT_BLOCKED);
}

static void add_below(struct tallies *t, struct tally *parent, const struct segment *list)
{
	const struct segment *before = NULL;
	for (const struct segment *s = list; s; before = s, s = s->next) {
		struct tally *above = parent;
		if (parent->key.kind == SEGMENT_BLOCKED && parent != &t->root && has_actor(s))
			above = actor_of(t, parent, s, before);
		const struct tally_key key = key_of(t, s, above);
		struct tally *line = line_of(t, &key);
		if (line != above)
			line_count(line, s);
		if (s->kind == SEGMENT_QUEUE)
			line = tenant_of(t, line, s);
		if (s->children)
			add_below(t, line, s->children);
		else
			count_leaf(t, line, s);
	}
}

void tallies_add(struct tallies *t, const struct segment *list)
{
	for (const struct segment *s = list; s; s = s->next)
		t->root.total_ns += segment_ns(s);
	add_below(t, &t->root, list);
}

/* A merge sort of a list, most time first; equals stay in order. */
static struct tally *sorted(struct tally *list)
{
	struct tally *middle = list, *first = NULL, **end = &first;
	if (!list || !list->next)
		return list;
	for (struct tally *fast = list->next; fast && fast->next; fast = fast->next->next)
		middle = middle->next;
	struct tally *right = middle->next;
	middle->next = NULL;
	struct tally *left = sorted(list);
	right = sorted(right);
	while (left && right) {
		struct tally **from = right->total_ns > left->total_ns ? &right : &left;
		*end = *from;
		*from = (*from)->next;
		end = &(*end)->next;
	}
	*end = left ? left : right;
	return first;
}

static void sort_below(struct tally *parent)
{
	parent->children = sorted(parent->children);
	for (struct tally *line = parent->children; line; line = line->next)
		sort_below(line);
}

void tallies_sort(struct tallies *t)
{
	sort_below(&t->root);
}

/* One span's path, which stands for itself. */
static bool add_span(struct tallies *t, const struct history *h, struct thread *thread,
		     size_t index, const struct tally_options *o, struct arena *arena)
{
	const struct thread_history *history = history_of(h, thread);
	const struct span *span = &history->spans.items[index];
	uint64_t from_ns = span_from(history, index), to_ns = span->to_ns;
	uint32_t most = o->segments_max ? o->segments_max : PATH_SEGMENTS_MAX;
	struct path path;
	struct sleep sleep;
	if (span->state == THREAD_BLOCKED && o->enter) {
		history_sleep(h, thread, index, &sleep);
		if (!o->enter(o->context, &sleep)) {
			if (o->only_waits)
				return true;
			most = 0;
		}
	}
	if (o->only_waits && span->state != THREAD_BLOCKED && span->state != THREAD_QUEUED)
		return true;
	if (from_ns < o->from_ns)
		from_ns = o->from_ns;
	if (to_ns > o->to_ns)
		to_ns = o->to_ns;
	if (to_ns <= from_ns)
		return true;
	if (path_explain(h, thread, from_ns, to_ns, most, arena, &path))
		return false;
	tallies_add(t, path.first);
	return true;
}

void tallies_add_thread(struct tallies *t, const struct history *h, struct thread *thread,
			const struct tally_options *o)
{
	const struct thread_history *history = history_of(h, thread);
	struct arena *arena = arena_create();
	size_t count = history ? history->spans.count : 0;
	size_t index = history ? history_span_at(history, o->from_ns + 1) : 0;
	uint64_t added = 0;
	if (index == SIZE_MAX)
		index = 0;
	for (; arena && index < count && span_from(history, index) < o->to_ns; index++) {
		if (!add_span(t, h, thread, index, o, arena))
			t->failed = true;
		if (++added % 1024)
			continue;
		arena_destroy(arena);
		arena = arena_create();
	}
	t->failed = t->failed || !arena;
	arena_destroy(arena);
}
