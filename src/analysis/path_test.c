/* SPDX-License-Identifier: MIT */
#include "analysis/story_test.h"

#include "analysis/path.h"
#include "util/text.h"

static struct story *story_with_history(const char *script)
{
	const struct analysis *const wanted[] = {&analysis_history, &analysis_disks, NULL};
	struct source *source = NULL;
	struct story *story = NULL;
	struct err e = {0};
	if (script_open(&source, script, &e) || analysis_run(source, wanted, &story, &e))
		fail_msg("%s", e.text);
	source_close(source);
	return story;
}

/* One segment a line, times in µs: "run 8 20-30", waits with what filled them below. */
static void render(const struct segment *list, int depth, struct text *out)
{
	static const char *const marks[] = {"", " inferred", ""};
	for (const struct segment *s = list; s; s = s->next) {
		text_print(out, "%*s%s", depth, "", segment_kind_name(s->kind));
		if (s->thread)
			text_print(out, " %d", s->thread->tid);
		if (s->kind == SEGMENT_QUEUE && s->tenant)
			text_print(out, "<%d", s->tenant->tid);
		text_print(out, " %d-%d%s\n", (int)(s->from_ns / 1000), (int)(s->to_ns / 1000),
			   marks[s->certainty]);
		render(s->children, depth + 1, out);
	}
}

static void check_sum(const struct segment *list, uint64_t from_ns, uint64_t to_ns)
{
	for (const struct segment *s = list; s; s = s->next) {
		assert_int_equal(s->from_ns, from_ns);
		assert_true(s->to_ns > s->from_ns);
		if (s->children)
			check_sum(s->children, s->from_ns, s->to_ns);
		from_ns = s->to_ns;
	}
	assert_int_equal(from_ns, to_ns);
}

/* The path of thread 7 between two times is told so. */
static void check_path(const char *script, uint64_t from_us, uint64_t to_us, const char *wanted)
{
	struct story *story = story_with_history(script);
	const struct history *h = story_state(story, &analysis_history);
	struct arena *arena = arena_create();
	struct text told = {0};
	struct path path;
	assert_int_equal(path_explain(h, threads_find(h->threads, 7), from_us * 1000, to_us * 1000,
				      PATH_SEGMENTS_MAX, arena, &path),
			 0);
	check_sum(path.first, path.from_ns, path.to_ns);
	render(path.first, 0, &told);
	assert_string_equal(told.data ? told.data : "", wanted);
	text_deinit(&told);
	arena_destroy(arena);
	story_destroy(story);
}

#define ASLEEP "10us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1\n"
#define AWAKE  "95us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
#define END    "100us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1\n"
#define BEGIN  "0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"

static void what_the_waker_did_meanwhile_fills_the_wait(void **state)
{
	(void)state;
	check_path(BEGIN ASLEEP "20us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n"
				"40us cpu1 sched_switch prev_tid=8 next_tid=9 prev_state=0\n"
				"60us cpu1 sched_switch prev_tid=9 next_tid=8 prev_state=1\n"
				"90us cpu1 sched_waking tid=7\n" AWAKE END,
		   0, 100,
		   "run 7 0-10\n"
		   "blocked 7 10-90\n"
		   " queue 8 10-20 inferred\n"
		   " run 8 20-40\n"
		   " queue 8<9 40-60\n"
		   " run 8 60-90\n"
		   "queue 7 90-95\n"
		   "run 7 95-100\n");
}

static void a_holder_who_waits_passes_the_blame_on(void **state)
{
	(void)state;
	check_path("0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
		   "0us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n" ASLEEP
		   "20us cpu1 sched_switch prev_tid=8 next_tid=0 prev_state=1\n"
		   "20us cpu2 sched_switch prev_tid=0 next_tid=9 prev_state=0\n"
		   "70us cpu2 sched_waking tid=8\n"
		   "72us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n"
		   "90us cpu1 sched_waking tid=7\n" AWAKE END,
		   10, 90,
		   "blocked 7 10-90\n"
		   " run 8 10-20\n"
		   " blocked 8 20-70\n"
		   "  run 9 20-70\n"
		   " queue 8 70-72\n"
		   " run 8 72-90\n");
}

/* 8 had to wait for the same lock: 7's wait is for 9 first, then for 8. */
static void who_waits_in_line_for_the_same_lock_is_passed_over(void **state)
{
	(void)state;
	check_path("0us lttng_statedump_process_state tid=7 pid=7 ppid=1 name=a type=0\n"
		   "0us lttng_statedump_process_state tid=8 pid=7 ppid=1 name=b type=0\n"
		   "0us cairn_site site=1 pid=7 syscall=202 count=1 ips=[0x40]\n"
		   "0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
		   "0us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n"
		   "0us cpu2 sched_switch prev_tid=0 next_tid=9 prev_state=0\n"
		   "10us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1 prev_site=1 "
		   "prev_arg=0x99\n"
		   "20us cpu1 sched_switch prev_tid=8 next_tid=0 prev_state=1 prev_site=1 "
		   "prev_arg=0x99\n"
		   "70us cpu2 sched_waking tid=8\n"
		   "72us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n"
		   "90us cpu1 sched_waking tid=7\n" AWAKE END,
		   10, 90,
		   "blocked 7 10-90\n"
		   " run 8 10-20\n"
		   " run 9 20-70\n"
		   " queue 8 70-72\n"
		   " run 8 72-90\n");
}

/* The disk's time is the request's; before it, it is whoever issued the request. */
#define DISK_STORY                                                                                 \
	"0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n" ASLEEP                        \
	"15us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n"                              \
	"30us cpu1 tid8 block_rq_issue dev=5 sector=64 bytes=4096 rwbs=W\n"                        \
	"40us cpu1 sched_switch prev_tid=8 next_tid=0 prev_state=1\n"                              \
	"85us cpu0 tid0 irq_handler_entry irq=9\n"                                                 \
	"86us cpu0 tid0 block_rq_complete dev=5 sector=64 nr_sector=8 rwbs=W\n"                    \
	"87us cpu0 tid0 sched_waking tid=7 context=2\n"                                            \
	"88us cpu0 tid0 irq_handler_exit irq=9\n" AWAKE END

static void a_request_is_followed_to_its_issuer(void **state)
{
	(void)state;
	check_path(DISK_STORY, 10, 95,
		   "blocked 7 10-87\n"
		   " queue 8 10-15 inferred\n"
		   " run 8 15-30\n"
		   " device 8 30-87\n"
		   "queue 7 87-95\n");
}

/* A flush that is issued when its write ends, in an interrupt: one request behind the other. */
static void requests_issued_by_completions_are_followed(void **state)
{
	(void)state;
	check_path("0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
		   "5us cpu0 tid7 block_rq_issue dev=5 sector=64 bytes=4096 rwbs=W\n" ASLEEP
		   "40us cpu0 tid0 irq_handler_entry irq=9\n"
		   "41us cpu0 tid0 block_rq_complete dev=5 sector=64 nr_sector=8 rwbs=W\n"
		   "42us cpu0 tid0 block_rq_issue dev=5 sector=0 bytes=0 rwbs=FF\n"
		   "43us cpu0 tid0 irq_handler_exit irq=9\n"
		   "85us cpu0 tid0 irq_handler_entry irq=9\n"
		   "86us cpu0 tid0 block_rq_complete dev=5 sector=18446744073709551615 nr_sector=0 "
		   "rwbs=FF\n"
		   "87us cpu0 tid0 sched_waking tid=7 context=2\n"
		   "88us cpu0 tid0 irq_handler_exit irq=9\n" AWAKE END,
		   10, 87,
		   "blocked 7 10-87\n"
		   " device 7 10-42\n"
		   " device 7 42-87\n");
}

static void a_worker_is_followed_to_who_queued_its_work(void **state)
{
	(void)state;
	check_path("0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n" ASLEEP
		   "20us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n"
		   "30us cpu1 tid8 workqueue_queue_work work=77 function=0xabc\n"
		   "60us cpu2 sched_switch prev_tid=0 next_tid=9 prev_state=0\n"
		   "61us cpu2 tid9 workqueue_execute_start work=77 function=0xabc\n"
		   "90us cpu2 tid9 sched_waking tid=7\n"
		   "91us cpu2 tid9 workqueue_execute_end work=77\n" AWAKE END,
		   10, 90,
		   "blocked 7 10-90\n"
		   " queue 8 10-20 inferred\n"
		   " run 8 20-30\n"
		   " work_queued 9 30-61\n"
		   " run 9 61-90\n");
}

static void a_softirq_is_followed_to_who_raised_it(void **state)
{
	(void)state;
	check_path("0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
		   "0us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n" ASLEEP
		   "50us cpu1 tid8 softirq_raise vec=3\n"
		   "70us cpu1 sched_switch prev_tid=8 next_tid=9 prev_state=0\n"
		   "80us cpu1 tid9 softirq_entry vec=3\n"
		   "90us cpu1 tid9 sched_waking tid=7 context=1\n"
		   "91us cpu1 tid9 softirq_exit vec=3\n" AWAKE END,
		   10, 90,
		   "blocked 7 10-90\n"
		   " run 8 10-50\n"
		   " softirq 50-90\n");
}

static void a_softirq_that_ran_at_once_is_its_raisers_doing(void **state)
{
	(void)state;
	check_path("0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
		   "0us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n" ASLEEP
		   "50us cpu1 tid8 softirq_raise vec=3\n"
		   "51us cpu1 tid8 softirq_entry vec=3\n"
		   "90us cpu1 tid8 sched_waking tid=7 context=1\n"
		   "91us cpu1 tid8 softirq_exit vec=3\n" AWAKE END,
		   10, 90,
		   "blocked 7 10-90\n"
		   " run 8 10-90\n");
}

static void a_timer_and_an_interrupt_are_the_end(void **state)
{
	(void)state;
	check_path("0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n" ASLEEP
		   "48us cpu0 tid0 hrtimer_expire_entry hrtimer=1 function=0xabc\n"
		   "50us cpu0 tid0 sched_waking tid=7 context=2\n"
		   "51us cpu0 tid0 hrtimer_expire_exit hrtimer=1\n"
		   "52us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
		   "60us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1\n"
		   "80us cpu0 tid0 irq_handler_entry irq=33\n"
		   "81us cpu0 tid0 sched_waking tid=7 context=2\n"
		   "82us cpu0 tid0 irq_handler_exit irq=33\n" AWAKE END,
		   10, 100,
		   "blocked 7 10-50\n"
		   " timer 10-50\n"
		   "queue 7 50-52\n"
		   "run 7 52-60\n"
		   "blocked 7 60-81\n"
		   " irq 60-81\n"
		   "queue 7 81-95\n"
		   "run 7 95-100\n");
}

static void before_its_birth_a_waker_was_its_parents(void **state)
{
	(void)state;
	check_path("0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
		   "0us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n" ASLEEP
		   "40us cpu1 tid8 sched_process_fork parent_tid=8 parent_pid=8 child_tid=9 "
		   "child_pid=9\n"
		   "41us cpu1 tid8 sched_wakeup_new tid=9\n"
		   "50us cpu2 sched_switch prev_tid=0 next_tid=9 prev_state=0\n"
		   "90us cpu2 sched_waking tid=7\n" AWAKE END,
		   10, 90,
		   "blocked 7 10-90\n"
		   " run 8 10-40\n"
		   " queue 9 40-41\n"
		   " queue 9 41-50\n"
		   " run 9 50-90\n");
}

/* The waking came while it was still falling asleep; another one was an iteration earlier. */
static void a_waking_that_raced_is_not_mistaken(void **state)
{
	(void)state;
	check_path("0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
		   "0us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n"
		   "9us cpu1 sched_waking tid=7\n" ASLEEP
		   "12us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
		   "20us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1\n"
		   "90us cpu1 sched_waking tid=7\n" AWAKE END,
		   0, 100,
		   "run 7 0-10\n"
		   "queue 7 10-12 inferred\n"
		   "run 7 12-20\n"
		   "blocked 7 20-90\n"
		   " run 8 20-90\n"
		   "queue 7 90-95\n"
		   "run 7 95-100\n");
}

static void an_interval_may_begin_and_end_in_a_wait(void **state)
{
	(void)state;
	check_path(DISK_STORY, 40, 60, "blocked 7 40-60\n device 8 40-60\n");
	check_path(DISK_STORY, 20, 50,
		   "blocked 7 20-50\n"
		   " run 8 20-30\n"
		   " device 8 30-50\n");
}

static void a_wait_that_does_not_end_is_unknown(void **state)
{
	(void)state;
	check_path(BEGIN ASLEEP "90us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n", 10,
		   90,
		   "blocked 7 10-90\n"
		   " unknown 7 10-90\n");
}

/* A gap of another cpu within the wait: what is said of the wait may have been otherwise. */
static void what_a_loss_touches_is_not_exact(void **state)
{
	(void)state;
	check_path("0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
		   "0us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n" ASLEEP
		   "60us cpu2 lost_events count=3 begin=50000\n"
		   "90us cpu1 sched_waking tid=7\n" AWAKE END,
		   0, 100,
		   "run 7 0-10\n"
		   "blocked 7 10-90 inferred\n"
		   " run 8 10-90 inferred\n"
		   "queue 7 90-95\n"
		   "run 7 95-100\n");
}

static void between_gaps_of_its_own_cpu_a_thread_need_not_have_run(void **state)
{
	(void)state;
	check_path(BEGIN "40us cpu0 lost_events count=3 begin=30000\n"
			 "60us cpu0 lost_events count=3 begin=50000\n" END,
		   0, 100,
		   "run 7 0-30\n"
		   "run 7 30-40 inferred\n"
		   "run 7 40-50 inferred\n"
		   "run 7 50-60 inferred\n"
		   "run 7 60-100\n");
}

/*
 * Of 69 only the coming is seen, never the going: since when is not known. Among many events that
 * agree, that one does not make all of them doubtful.
 */
static void who_is_never_seen_to_leave_is_not_blamed_exactly(void **state)
{
	(void)state;
	struct text script = {0};
	for (int i = 0; i < 200; i++)
		text_print(&script, "0us cpu3 sched_switch prev_tid=%d next_tid=%d prev_state=0\n",
			   30 + i % 2, 31 - i % 2);
	text_print(&script, "%s",
		   "0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
		   "0us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n" ASLEEP
		   "20us cpu0 sched_switch prev_tid=0 next_tid=69 prev_state=0\n"
		   "50us cpu1 tid8 sched_waking tid=7\n"
		   "60us cpu0 tid69 sched_waking tid=5\n"
		   "95us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n" END);
	check_path(script.data, 10, 100,
		   "blocked 7 10-50\n"
		   " run 8 10-50\n"
		   "queue 7<69 50-95 inferred\n"
		   "run 7 95-100\n");
	text_deinit(&script);
}

/* 7 and 8 wake each other while both are asleep: that cannot be, and must end. */
static void contradicting_wakers_end(void **state)
{
	(void)state;
	check_path("0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
		   "0us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n" ASLEEP
		   "10us cpu1 sched_switch prev_tid=8 next_tid=0 prev_state=1\n"
		   "90us cpu2 tid8 sched_waking tid=7\n"
		   "90us cpu2 tid7 sched_waking tid=8\n" AWAKE END,
		   10, 90,
		   "blocked 7 10-90 inferred\n"
		   " blocked 8 10-90 inferred\n"
		   "  blocked 7 10-90\n");
}

static void what_is_not_looked_into_is_a_leaf(void **state)
{
	(void)state;
	struct story *story = story_with_history(DISK_STORY);
	const struct history *h = story_state(story, &analysis_history);
	struct arena *arena = arena_create();
	struct path path;
	assert_int_equal(
		path_explain(h, threads_find(h->threads, 7), 10000, 80000, 0, arena, &path), 0);
	assert_true(path.cut);
	assert_int_equal(path.first->kind, SEGMENT_BLOCKED);
	assert_null(path.first->children);
	assert_null(path.first->next);
	arena_destroy(arena);
	story_destroy(story);
}

/* A snapshot begins in the middle of an interrupt: its exit has no entry. */
static void an_exit_without_its_entry_harms_nothing(void **state)
{
	(void)state;
	check_path("0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
		   "0us cpu1 tid8 irq_handler_exit irq=9\n"
		   "1us cpu1 tid8 softirq_exit vec=1\n"
		   "2us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n" ASLEEP
		   "90us cpu1 tid8 sched_waking tid=7\n" AWAKE END,
		   10, 90,
		   "blocked 7 10-90\n"
		   " run 8 10-90\n");
}

/* The kernel puts the woken thread into another cpu's queue: who runs there did not wake it. */
static void whose_cpu_queues_a_thread_is_not_its_waker(void **state)
{
	(void)state;
	check_path("0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
		   "0us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n"
		   "0us cpu2 sched_switch prev_tid=0 next_tid=9 prev_state=0\n" ASLEEP
		   "90us cpu1 tid8 sched_waking tid=7\n"
		   "92us cpu2 tid9 sched_wakeup tid=7\n" AWAKE END,
		   10, 90,
		   "blocked 7 10-90\n"
		   " run 8 10-90\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_waker_did_meanwhile_fills_the_wait),
		cmocka_unit_test(a_holder_who_waits_passes_the_blame_on),
		cmocka_unit_test(who_waits_in_line_for_the_same_lock_is_passed_over),
		cmocka_unit_test(a_request_is_followed_to_its_issuer),
		cmocka_unit_test(requests_issued_by_completions_are_followed),
		cmocka_unit_test(a_worker_is_followed_to_who_queued_its_work),
		cmocka_unit_test(a_softirq_is_followed_to_who_raised_it),
		cmocka_unit_test(a_softirq_that_ran_at_once_is_its_raisers_doing),
		cmocka_unit_test(a_timer_and_an_interrupt_are_the_end),
		cmocka_unit_test(before_its_birth_a_waker_was_its_parents),
		cmocka_unit_test(a_waking_that_raced_is_not_mistaken),
		cmocka_unit_test(an_interval_may_begin_and_end_in_a_wait),
		cmocka_unit_test(a_wait_that_does_not_end_is_unknown),
		cmocka_unit_test(what_a_loss_touches_is_not_exact),
		cmocka_unit_test(between_gaps_of_its_own_cpu_a_thread_need_not_have_run),
		cmocka_unit_test(who_is_never_seen_to_leave_is_not_blamed_exactly),
		cmocka_unit_test(contradicting_wakers_end),
		cmocka_unit_test(an_exit_without_its_entry_harms_nothing),
		cmocka_unit_test(whose_cpu_queues_a_thread_is_not_its_waker),
		cmocka_unit_test(what_is_not_looked_into_is_a_leaf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
