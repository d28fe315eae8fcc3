/* SPDX-License-Identifier: MIT */
#include "analysis/latency.h"

#include <string.h>

enum { BUCKET_BITS = 10 };
_Static_assert(HISTOGRAM_BUCKETS <= 1 << BUCKET_BITS, "a key has room for every bucket");

static struct latency_thread *latency_of(struct latency *l, struct thread *thread)
{
	while (l->by_thread.count <= thread->index) {
		if (!array_add(&l->by_thread))
			return NULL;
	}
	l->by_thread.items[thread->index].thread = thread;
	return &l->by_thread.items[thread->index];
}

static int latency_queued(void *context, struct thread *thread, uint64_t from_ns, uint64_t to_ns)
{
	struct latency *l = context;
	uint64_t took_ns = to_ns - from_ns;
	if (took_ns > l->all.max || !l->longest.thread) {
		l->longest.thread = thread;
		l->longest.from_ns = from_ns;
		l->longest.to_ns = to_ns;
	}
	histogram_add(&l->all, took_ns);
	struct latency_thread *own = latency_of(l, thread);
	uint64_t key = (uint64_t)thread->index << BUCKET_BITS | histogram_bucket(took_ns);
	uint64_t *count = own ? map_put(&l->counts, key) : NULL;
	if (!count)
		return -ENOMEM;
	++*count;
	own->total_ns += took_ns;
	if (took_ns > own->to_ns - own->from_ns || !own->to_ns) {
		own->from_ns = from_ns;
		own->to_ns = to_ns;
	}
	return 0;
}

static bool is_target(const struct latency_thread *own)
{
	return own->thread && thread_is_target(own->thread);
}

static int latency_finish(void *state)
{
	struct latency *l = state;
	struct histogram *h = &l->targets;
	array_each(own, &l->by_thread) {
		if (!is_target(own))
			continue;
		h->total += own->total_ns;
		if (own->to_ns - own->from_ns <= h->max && l->longest_target.thread)
			continue;
		h->max = own->to_ns - own->from_ns;
		l->longest_target.thread = own->thread;
		l->longest_target.from_ns = own->from_ns;
		l->longest_target.to_ns = own->to_ns;
	}
	map_each(slot, &l->counts) {
		if (!is_target(&l->by_thread.items[slot->key >> BUCKET_BITS]))
			continue;
		h->buckets[slot->key & ((1 << BUCKET_BITS) - 1)] += (uint32_t)slot->value;
		h->count += slot->value;
	}
	return 0;
}

static void latency_release(void *state)
{
	struct latency *l = state;
	array_free(&l->by_thread);
	map_deinit(&l->counts);
}

static int latency_start(void *state, struct story *story)
{
	states_listen(story_state(story, &analysis_states),
		      (struct states_listener){.context = state, .queued = latency_queued});
	return 0;
}

const struct analysis analysis_latency = {
	.name = "latency",
	.state_bytes = sizeof(struct latency),
	.needs = (const struct analysis *const[]){&analysis_states, NULL},
	.start = latency_start,
	.finish = latency_finish,
	.release = latency_release,
};
