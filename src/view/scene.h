/* SPDX-License-Identifier: MIT */
/* What both views start from: a story's parts, and which of its threads the user wants to see. */
#ifndef CAIRN_VIEW_SCENE_H
#define CAIRN_VIEW_SCENE_H

#include "analysis/cost.h"
#include "analysis/cpu_time.h"
#include "analysis/disks.h"
#include "analysis/interrupts.h"
#include "analysis/inventory.h"
#include "analysis/latency.h"
#include "analysis/waits.h"
#include "view/view.h"

struct scene {
	const struct story *story;
	const struct view_options *options;
	const struct threads *threads;
	const struct sites *sites;
	const struct inventory *inventory;
	const struct losses *losses;
	const struct states *states;
	const struct waits *waits;
	const struct latency *latency;
	const struct disks *disks;
	const struct interrupts *interrupts;
	const struct cpu_times *cpu_times;
	const struct cost *cost;
	bool narrowed;                      /* not all threads are shown */
	ARRAY(const struct thread *) shown; /* the one that ran most first */
	struct map comms;                   /* hash of a name → threads that ran and have it */
	struct map shown_comms;             /* the same of those shown */
	struct map places; /* innermost address and process → its one site with callers */
	bool failed;       /* no memory */
};

void scene_init(struct scene *s, const struct story *story, const struct view_options *options);
void scene_deinit(struct scene *s);

bool scene_shows(const struct scene *s, const struct thread *thread);

/* "worker-1"; "sh-4711" when several threads are called sh; "thread 4711" without a name. */
void scene_name(const struct scene *s, const struct thread *thread, struct text *out);

/* Of the time of all threads shown. */
void scene_certainty(const struct scene *s, uint64_t *exact_ns_ret, uint64_t *inferred_ns_ret,
		     uint64_t *unknown_ns_ret);

/*
 * Of some sleeps only the innermost address is known, as there was no table for the program yet.
 * Where the process has that address in one place only, that must be the place; else `site`.
 */
uint32_t scene_place(const struct scene *s, uint32_t site);

/* Time in a state inside the recording. */
static inline uint64_t scene_ns(const struct scene *s, const struct thread *thread,
				enum thread_state state)
{
	return states_of(s->states, thread)->times.state_ns[state];
}

/* Nothing is wrong with such a wait: by choice, for a child, for anything to do. */
bool scene_is_idle(const struct scene *s, const struct sleep *sleep);

/* The longest waits first: one for each place and kind of cause. */
struct wait_line {
	uint32_t site;                  /* the place: scene_place() of theirs */
	const struct wait_group *group; /* the one with the longest wait */
	uint64_t count, total_ns;       /* of all alike */
	size_t threads;                 /* that had such waits */
	bool late;                      /* idle: told behind the others */
};

struct wait_lines {
	ARRAY(struct wait_line) list;
};

void wait_lines_init(struct wait_lines *w, struct scene *s);
void wait_lines_deinit(struct wait_lines *w);

#endif
