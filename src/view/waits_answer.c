/* SPDX-License-Identifier: MIT */
#include "view/waits_answer.h"

/* In a table of everybody's waits one that takes longer to explain than this has no place. */
enum { SEGMENTS_EACH_MAX = 1 << 14 };

static bool is_worth_it(void *context, const struct sleep *sleep)
{
	struct waits_answer *a = context;
	bool idle = sleep->open || scene_is_idle(&a->scene, sleep) ||
		    sleep->certainty == CERTAIN_UNKNOWN;
	if (idle)
		a->idle_ns += sleep_ns(sleep);
	return !idle;
}

static bool all_are_worth_it(void *context, const struct sleep *sleep)
{
	(void)context;
	(void)sleep;
	return true;
}

static uint32_t place_of(void *context, uint32_t site)
{
	const struct waits_answer *a = context;
	return scene_place(&a->scene, site);
}

void waits_answer_init(struct waits_answer *a, const struct story *story,
		       const struct view_options *options, const struct waits_question *q)
{
	struct tally_options o = {.from_ns = q->from_ns, .to_ns = q->to_ns, .context = a};
	*a = (struct waits_answer){.history = story_state(story, &analysis_history)};
	scene_init(&a->scene, story, options);
	if (tallies_init(&a->tallies)) {
		a->scene.failed = true;
		return;
	}
	a->tallies.place = place_of;
	a->tallies.context = a;
	if (q->thread) {
		tallies_add_thread(&a->tallies, a->history, q->thread, &o);
	} else {
		o.only_waits = true;
		o.segments_max = SEGMENTS_EACH_MAX;
		o.enter = q->idle ? all_are_worth_it : is_worth_it;
		array_each(thread, &a->scene.shown) {
			/* Without work a kernel thread sleeps: nobody's wait. */
			if (!(*thread)->kernel || q->idle)
				tallies_add_thread(&a->tallies, a->history,
						   (struct thread *)*thread, &o);
		}
	}
	tallies_sort(&a->tallies);
}

void waits_answer_deinit(struct waits_answer *a)
{
	scene_deinit(&a->scene);
	tallies_deinit(&a->tallies);
}
