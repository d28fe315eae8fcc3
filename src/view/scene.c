/* SPDX-License-Identifier: MIT */
#include "analysis/syscalls.h"
#include "view/scene.h"

#include <stdlib.h>
#include <string.h>

bool scene_shows(const struct scene *s, const struct thread *thread)
{
	const struct view_options *o = s->options;
	if (o->pid && thread_pid(thread) != o->pid && thread->tid != o->pid)
		return false;
	if (o->comm && !text_glob(o->comm, thread->comm))
		return false;
	if (o->pid || o->comm || !s->threads->has_targets)
		return true;
	return thread_is_target(thread);
}

static uint64_t comm_key(const char *comm)
{
	uint64_t key = 0xcbf29ce484222325u;
	for (; *comm; comm++)
		key = (key ^ (uint8_t)*comm) * 0x100000001b3u;
	return key;
}

static uint64_t called(const struct map *comms, const struct thread *thread)
{
	const uint64_t *count = map_find(comms, comm_key(thread->comm));
	return count ? *count : 0;
}

void scene_name(const struct scene *s, const struct thread *thread, struct text *out)
{
	if (!thread->comm[0]) {
		text_print(out, "thread %d", thread->tid);
		return;
	}
	bool shown = scene_shows(s, thread);
	uint64_t namesakes = called(&s->shown_comms, thread);
	if (!shown && !namesakes)
		namesakes = called(&s->comms, thread);
	else if (!shown)
		namesakes++;
	if (namesakes > 1)
		text_print(out, "%s-%d", thread->comm, thread->tid);
	else
		text_print(out, "%s", thread->comm);
}

static int compare_run(const void *a, const void *b, void *context)
{
	const struct scene *s = context;
	const struct thread *x = *(const struct thread *const *)a;
	const struct thread *y = *(const struct thread *const *)b;
	uint64_t run_x = scene_ns(s, x, THREAD_RUNNING), run_y = scene_ns(s, y, THREAD_RUNNING);
	if (run_x != run_y)
		return run_x < run_y ? 1 : -1;
	return x->index < y->index ? -1 : 1;
}

static void count_comm(struct scene *s, struct map *comms, const struct thread *thread)
{
	uint64_t *count = map_put(comms, comm_key(thread->comm));
	if (count)
		++*count;
	else
		s->failed = true;
}

static void scene_cast(struct scene *s)
{
	array_each(each, &s->threads->all) {
		const struct thread *thread = *each;
		const struct activity *a = states_of(s->states, thread);
		/* Threads of which the recording has nothing but their existence say nothing. */
		if (!a->times.state_ns[THREAD_RUNNING] && !a->times.state_ns[THREAD_QUEUED] &&
		    !a->times.sleeps)
			continue;
		count_comm(s, &s->comms, thread);
		if (!scene_shows(s, thread)) {
			s->narrowed = true;
			continue;
		}
		count_comm(s, &s->shown_comms, thread);
		if (array_push(&s->shown, thread))
			s->failed = true;
	}
	if (s->shown.count)
		qsort_r(s->shown.items, s->shown.count, sizeof(*s->shown.items), compare_run, s);
}

enum { PLACE_AMBIGUOUS = 0 };

static uint64_t address_key(const struct site *site)
{
	return site->ips[0] ^ (uint64_t)(uint32_t)site->pid << 48;
}

static void scene_find_places(struct scene *s)
{
	map_each(slot, &s->sites->by_id) {
		const struct site *site = (const void *)(uintptr_t)slot->value;
		if (site->count < 2)
			continue;
		bool first = !map_find(&s->places, address_key(site));
		uint64_t *place = map_put(&s->places, address_key(site));
		if (!place)
			s->failed = true;
		else
			*place = first ? site->id : PLACE_AMBIGUOUS;
	}
}

uint32_t scene_place(const struct scene *s, uint32_t site_id)
{
	const struct site *site = sites_find(s->sites, site_id);
	const uint64_t *place = NULL;
	if (site && site->count == 1)
		place = map_find(&s->places, address_key(site));
	return place && *place != PLACE_AMBIGUOUS ? (uint32_t)*place : site_id;
}

void scene_init(struct scene *s, const struct story *story, const struct view_options *options)
{
	*s = (struct scene){
		.story = story,
		.options = options,
		.threads = story_state(story, &analysis_threads),
		.sites = story_state(story, &analysis_sites),
		.inventory = story_state(story, &analysis_inventory),
		.losses = story_state(story, &analysis_losses),
		.states = story_state(story, &analysis_states),
		.waits = story_state(story, &analysis_waits),
		.latency = story_state(story, &analysis_latency),
		.disks = story_state(story, &analysis_disks),
		.interrupts = story_state(story, &analysis_interrupts),
		.cpu_times = story_state(story, &analysis_cpu_time),
		.cost = story_state(story, &analysis_cost),
	};
	scene_cast(s);
	scene_find_places(s);
}

void scene_deinit(struct scene *s)
{
	array_free(&s->shown);
	map_deinit(&s->comms);
	map_deinit(&s->shown_comms);
	map_deinit(&s->places);
}

void scene_certainty(const struct scene *s, uint64_t *exact_ns_ret, uint64_t *inferred_ns_ret,
		     uint64_t *unknown_ns_ret)
{
	uint64_t known_ns = 0, inferred_ns = 0, unknown_ns = 0;
	array_each(thread, &s->shown) {
		const struct thread_times *times = &states_of(s->states, *thread)->times;
		for (enum thread_state state = 0; state < THREAD_STATES; state++) {
			if (state == THREAD_UNKNOWN)
				unknown_ns += times->state_ns[state];
			else
				known_ns += times->state_ns[state];
		}
		inferred_ns += times->inferred_ns;
	}
	*exact_ns_ret = known_ns - inferred_ns;
	*inferred_ns_ret = inferred_ns;
	*unknown_ns_ret = unknown_ns;
}

/*
 * An event loop that another program or the network gives something to do was out of work; one
 * that a namesake wakes waited for it, as PostgreSQL's processes do for each other's locks.
 */
static bool is_out_of_work(const struct sleep *sleep, int32_t syscall)
{
	const struct cause *cause = &sleep->cause;
	if (sleep->open || cause->kind == CAUSE_TIMER)
		return true;
	if (strncmp(syscall_name(syscall), "epoll_", strlen("epoll_")) != 0)
		return false;
	return cause->kind == CAUSE_SOFTIRQ ||
	       (cause->kind == CAUSE_TASK && strcmp(cause->thread->comm, sleep->thread->comm));
}

bool scene_is_idle(const struct scene *s, const struct sleep *sleep)
{
	int32_t syscall = sleep_syscall(s->sites, sleep);
	switch (syscall_kind(syscall)) {
	case SYSCALL_SLEEP:
	case SYSCALL_CHILD:
		return true;
	case SYSCALL_READY:
		return is_out_of_work(sleep, syscall);
	default:
		return !sleep->site && syscall < 0; /* of which there is nothing to say */
	}
}

enum { PLACES_ALIKE = 5 }; /* about as many as a page shows */

/* Forked processes share their places; without one only the thread itself is alike. */
static uint64_t place_key(const struct scene *s, const struct wait_group *g, uint32_t site_id)
{
	const struct site *site = sites_find(s->sites, site_id);
	uint64_t key = 0xcbf29ce484222325u;
	if (!site || !site->count)
		return (uint64_t)g->thread->index << 32 | site_id;
	for (uint32_t i = 0; i < site->count && i < PLACES_ALIKE; i++)
		key = (key ^ site->ips[i]) * 0x100000001b3u;
	return key;
}

static uint64_t line_key(const struct wait_group *g, uint64_t place, bool late)
{
	uint64_t key = place * 8 + g->cause;
	return ((key * 1024 + (uint32_t)(g->syscall + 1)) * 2 + late) * 2 + g->open;
}

static int compare_lines(const void *a, const void *b)
{
	const struct wait_line *x = a, *y = b;
	uint64_t ns_x = sleep_ns(&x->group->longest), ns_y = sleep_ns(&y->group->longest);
	if (x->late != y->late)
		return x->late ? 1 : -1;
	if (ns_x != ns_y)
		return ns_x < ns_y ? 1 : -1;
	return x->group < y->group ? -1 : 1;
}

static bool line_add(struct wait_lines *w, struct map *lines, struct map *met,
		     const struct wait_group *g, uint64_t place, bool late)
{
	uint64_t *index = map_put(lines, line_key(g, place, late));
	if (!index)
		return false;
	if (!*index) {
		const struct wait_line line = {.group = g, .late = late};
		if (array_push(&w->list, line))
			return false;
		*index = w->list.count;
	}
	struct wait_line *line = &w->list.items[*index - 1];
	uint64_t *times_met = map_put(met, *index << 32 | g->thread->index);
	if (!times_met)
		return false;
	line->threads += !(*times_met)++;
	if (sleep_ns(&g->longest) > sleep_ns(&line->group->longest))
		line->group = g;
	line->count += g->count;
	line->total_ns += g->total_ns;
	return true;
}

void wait_lines_init(struct wait_lines *w, struct scene *s)
{
	struct map lines = {0}, met = {0};
	bool named = s->options->pid || s->options->comm;
	*w = (struct wait_lines){0};
	array_each(g, &s->waits->groups) {
		/* A kernel thread without work sleeps: nobody's wait, unless asked for. */
		if (!scene_shows(s, g->thread) || (g->thread->kernel && !named))
			continue;
		/* Asleep at the end, and nothing to say of it. */
		if (g->open && !g->site && g->syscall < 0)
			continue;
		if (!line_add(w, &lines, &met, g, place_key(s, g, scene_place(s, g->site)),
			      scene_is_idle(s, &g->longest)))
			s->failed = true;
	}
	map_deinit(&lines);
	map_deinit(&met);
	if (w->list.count)
		qsort(w->list.items, w->list.count, sizeof(*w->list.items), compare_lines);
}

void wait_lines_deinit(struct wait_lines *w)
{
	array_free(&w->list);
}
