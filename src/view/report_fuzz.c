/* SPDX-License-Identifier: MIT */
/*
 * Any sequence of events, through all analyses and views: no crash, nothing negative; each
 * thread's path is disjoint, adds up to its interval, and ends.
 *
 * Eight bytes are an event: its type, cpu, thread, the step in time, and four small fields.
 */
#include "analysis/path.h"
#include "event/script.h"
#include "view/view.h"
#include "view/waits_view.h"

#include <stdlib.h>

enum { EVENT_BYTES = 8, FIELDS = 4, SEGMENTS_MAX = 10000, VIEWED_OF = 16 };

static const char types[] =
	"1 sched_switch prev_tid=0 next_tid=0 prev_state=0 prev_site=0\n"
	"1 sched_waking tid=0 context=0 waker_site=0 prio=0\n"
	"1 sched_wakeup_new tid=0 a=0 b=0 c=0\n"
	"1 irq_handler_entry irq=0 a=0 b=0 c=0\n"
	"1 irq_handler_exit irq=0 a=0 b=0 c=0\n"
	"1 softirq_entry vec=0 a=0 b=0 c=0\n"
	"1 softirq_exit vec=0 a=0 b=0 c=0\n"
	"1 softirq_raise vec=0 a=0 b=0 c=0\n"
	"1 hrtimer_expire_entry hrtimer=0 function=0 b=0 c=0\n"
	"1 timer_expire_exit timer=0 a=0 b=0 c=0\n"
	"1 workqueue_queue_work work=0 function=0 b=0 c=0\n"
	"1 workqueue_execute_start work=0 function=0 b=0 c=0\n"
	"1 workqueue_execute_end work=0 a=0 b=0 c=0\n"
	"1 block_rq_issue dev=0 sector=0 bytes=0 rwbs=0\n"
	"1 block_rq_complete dev=0 sector=0 nr_sector=0 rwbs=0\n"
	"1 sched_process_fork parent_tid=0 parent_pid=0 child_tid=0 child_pid=0\n"
	"1 sched_process_exit tid=0 a=0 b=0 c=0\n"
	"1 sys_enter id=0 arg0=0 b=0 c=0\n"
	"1 cairn_site site=0 pid=0 syscall=0 flags=0\n"
	"1 cairn_target pid=0 a=0 b=0 c=0\n"
	"1 lttng_statedump_process_state tid=0 pid=0 ppid=0 type=0\n"
	"1 lost_events count=0 begin=0 b=0 c=0\n";

struct fuzz_source {
	struct source source;
	const struct event_type *types[32];
	unsigned type_count;
	const uint8_t *data;
	size_t bytes;
	uint64_t time_ns;
	uint64_t payload[FIELDS];
};

static int fuzz_next(struct source *source, struct event *ret, struct err *e)
{
	struct fuzz_source *f = (struct fuzz_source *)source;
	(void)e;
	if (f->bytes < EVENT_BYTES)
		return 0;
	const uint8_t *d = f->data;
	f->data += EVENT_BYTES;
	f->bytes -= EVENT_BYTES;
	f->time_ns += d[3] * 16u;
	*ret = (struct event){
		.time_ns = f->time_ns,
		.type = f->types[d[0] % f->type_count],
		.payload = (const uint8_t *)f->payload,
		.payload_bytes = sizeof(f->payload),
		.cpu = d[1] % 6 - 1,
		.tid = d[2] % 20 - 1,
	};
	for (unsigned i = 0; i < FIELDS; i++)
		f->payload[i] = d[4 + i];
	if (ret->type->kind == EVENT_LOST)
		f->payload[1] = f->time_ns - d[5] * 16u;
	return 1;
}

static void check(const struct story *story)
{
	const struct threads *t = story_state(story, &analysis_threads);
	const struct states *s = story_state(story, &analysis_states);
	array_each(thread, &t->all) {
		const struct activity *a = states_of(s, *thread);
		uint64_t sum_ns = 0;
		for (unsigned i = 0; i < THREAD_STATES; i++)
			sum_ns += a->times.state_ns[i];
		if (sum_ns != a->end_ns - a->begin_ns || a->begin_ns > a->end_ns)
			abort();
	}
}

/* P1 */
static void check_sum(const struct segment *list, uint64_t from_ns, uint64_t to_ns)
{
	for (const struct segment *s = list; s; s = s->next) {
		if (s->from_ns != from_ns || s->to_ns <= s->from_ns)
			abort();
		if (s->children)
			check_sum(s->children, s->from_ns, s->to_ns);
		from_ns = s->to_ns;
	}
	if (from_ns != to_ns)
		abort();
}

static void check_paths(const struct story *story)
{
	const struct history *h = story_state(story, &analysis_history);
	uint64_t from_ns = story->begin_ns, to_ns = story->end_ns;
	array_each(thread, &h->threads->all) {
		struct arena *arena = arena_create();
		struct path path;
		for (unsigned cut = 0; cut < 2; cut++) { /* the whole, and its middle */
			uint64_t less_ns = cut * (to_ns - from_ns) / 4;
			if (path_explain(h, *thread, from_ns + less_ns, to_ns - less_ns,
					 SEGMENTS_MAX, arena, &path))
				abort();
			check_sum(path.first, path.from_ns, path.to_ns);
		}
		arena_destroy(arena);
	}
}

static void check_waits(const struct story *story)
{
	static const struct waits_view *const views[] = {&waits_text, &waits_json, &waits_folded};
	const struct threads *t = story_state(story, &analysis_threads);
	for (size_t i = 0; i < 2 * sizeof(views) / sizeof(views[0]); i++) {
		const struct view_options options = {.path = "x", .width = VIEW_WIDTH_MIN};
		const struct waits_question question = {
			.thread = i % 2 && t->all.count ? t->all.items[0] : NULL,
			.to_ns = UINT64_MAX,
			.idle = true,
		};
		struct text out = {0};
		views[i / 2]->print(story, &options, &question, &out);
		if (out.failed)
			abort();
		text_deinit(&out);
	}
}

static void check_report(const struct story *story)
{
	for (const struct view *const *view = view_all; *view; view++) {
		const struct view_options options = {.path = "x", .width = VIEW_WIDTH_MIN};
		struct text out = {0};
		(*view)->print(story, &options, &out);
		if (out.failed)
			abort();
		text_deinit(&out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct source *script;
	static struct fuzz_source fresh = {.source.next = fuzz_next, .time_ns = 1 << 20};
	struct story *story = NULL;
	struct event event;
	struct err e;
	if (!script && script_open(&script, types, &e))
		abort();
	while (source_next(script, &event, &e) > 0)
		fresh.types[fresh.type_count++] = event.type;
	struct fuzz_source f = fresh;
	f.data = data;
	f.bytes = bytes;
	if (analysis_run(&f.source, analysis_all, &story, &e))
		abort();
	check(story);
	check_paths(story);
	/* Views take most of the time: of few, so that far more streams are walked. */
	if (!bytes || data[0] % VIEWED_OF == 0) {
		check_waits(story);
		check_report(story);
	}
	story_destroy(story);
	return 0;
}
