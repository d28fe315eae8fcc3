/* SPDX-License-Identifier: MIT */
#include "event/merge.h"

#include <stdlib.h>

/* Where an event stands in the order of all. */
struct place {
	uint64_t time_ns;
	size_t order; /* its source's */
};

/* A source and the event it will give next; of the source that is being taken from, the last. */
struct run {
	struct source *source;
	struct event head;
	size_t order;
};

struct merge {
	struct source source;
	struct run *runs;
	struct run **heap; /* by head; heap[0] is taken from */
	size_t live;       /* in the heap */
	size_t count;
	struct place bound; /* of the earliest head behind heap[0] */
	bool started;
};

static bool place_before(uint64_t time_ns, size_t order, struct place p)
{
	return time_ns < p.time_ns || (time_ns == p.time_ns && order < p.order);
}

static struct place run_place(const struct run *run)
{
	return (struct place){run->head.time_ns, run->order};
}

static bool run_before(const struct run *a, const struct run *b)
{
	return place_before(a->head.time_ns, a->order, run_place(b));
}

static void heap_down(struct merge *m, size_t i)
{
	for (;;) {
		size_t least = i, left = 2 * i + 1, right = left + 1;
		if (left < m->live && run_before(m->heap[left], m->heap[least]))
			least = left;
		if (right < m->live && run_before(m->heap[right], m->heap[least]))
			least = right;
		if (least == i)
			return;
		struct run *moved = m->heap[i];
		m->heap[i] = m->heap[least];
		m->heap[least] = moved;
		i = least;
	}
}

/* Gives the first head; from then on its source's events go straight to whoever asks. */
static int merge_switch(struct merge *m, struct event *ret)
{
	if (!m->live)
		return 0;
	heap_down(m, 0);
	m->bound = (struct place){UINT64_MAX, SIZE_MAX};
	if (m->live > 1)
		m->bound = run_place(m->heap[1]);
	if (m->live > 2 && run_before(m->heap[2], m->heap[1]))
		m->bound = run_place(m->heap[2]);
	*ret = m->heap[0]->head;
	return 1;
}

static int merge_start(struct merge *m, struct event *ret, struct err *e)
{
	m->started = true;
	for (size_t i = 0; i < m->count; i++) {
		int code = source_next(m->runs[i].source, &m->runs[i].head, e);
		if (code < 0)
			return code;
		if (code)
			m->heap[m->live++] = &m->runs[i];
	}
	for (size_t i = m->live / 2; i-- > 0;)
		heap_down(m, i);
	return merge_switch(m, ret);
}

static int merge_step(struct merge *m, struct event *ret, struct err *e)
{
	/* What was given last stays valid until here, where its source steps on. */
	struct run *first = m->heap[0];
	int code = source_next(first->source, ret, e);
	if (code > 0 && place_before(ret->time_ns, first->order, m->bound))
		return 1;
	if (code > 0)
		first->head = *ret;
	else if (!code)
		m->heap[0] = m->heap[--m->live];
	return code < 0 ? code : merge_switch(m, ret);
}

static int merge_next(struct source *source, struct event *ret, struct err *e)
{
	struct merge *m = (struct merge *)source;
	int code = 0;
	if (!m->started)
		code = merge_start(m, ret, e);
	else if (m->live)
		code = merge_step(m, ret, e);
	if (code < 0)
		m->live = 0;
	return code;
}

static void merge_close(struct source *source)
{
	struct merge *m = (struct merge *)source;
	for (size_t i = 0; i < m->count; i++)
		source_close(m->runs[i].source);
	free(m->runs);
	free(m->heap);
	free(m);
}

int merge_open(struct source **ret, struct source *const *sources, size_t count, struct err *e)
{
	struct merge *m = calloc(1, sizeof(*m));
	struct run *runs = calloc(count + 1, sizeof(*runs));
	struct run **heap = calloc(count + 1, sizeof(struct run *));
	if (!m || !runs || !heap) {
		for (size_t i = 0; i < count; i++)
			source_close(sources[i]);
		free(m);
		free(runs);
		free(heap);
		return err_set(e, ENOMEM, "no memory to merge %zu sources", count);
	}
	for (size_t i = 0; i < count; i++)
		runs[i] = (struct run){.source = sources[i], .order = i};
	*m = (struct merge){
		.source = {merge_next, merge_close},
		.runs = runs,
		.heap = heap,
		.count = count,
	};
	*ret = &m->source;
	return 0;
}
