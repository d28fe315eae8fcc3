/* SPDX-License-Identifier: MIT */
#include "analysis/story_test.h"

#include "analysis/latency.h"
#include "analysis/waits.h"

#include <time.h>

static const struct activity *activity(const struct story *story, int32_t tid)
{
	const struct thread *thread = threads_find(story_state(story, &analysis_threads), tid);
	assert_non_null(thread);
	return states_of(story_state(story, &analysis_states), thread);
}

static void expect_us(const struct story *story, int32_t tid, uint64_t run, uint64_t queue,
		      uint64_t blocked, uint64_t unknown)
{
	const uint64_t *ns = activity(story, tid)->times.state_ns;
	assert_int_equal(ns[THREAD_RUNNING] / 1000, run);
	assert_int_equal(ns[THREAD_QUEUED] / 1000, queue);
	assert_int_equal(ns[THREAD_BLOCKED] / 1000, blocked);
	assert_int_equal((ns[THREAD_UNKNOWN] + 500) / 1000, unknown);
}

static const struct wait_group *group(const struct story *story, size_t index)
{
	const struct waits *w = story_state(story, &analysis_waits);
	assert_true(index < w->groups.count);
	return &w->groups.items[index];
}

static void a_thread_runs_sleeps_queues_and_runs(void **state)
{
	(void)state;
	struct story *story =
		story_of("0us cpu0 sched_switch prev_tid=1 next_tid=7 prev_state=0\n"
			 "10us cpu0 sched_switch prev_tid=7 next_tid=8 prev_state=2 prev_site=3\n"
			 "30us cpu1 tid9 sched_waking tid=7\n"
			 "31us cpu1 tid9 sched_waking tid=7\n"
			 "35us cpu0 sched_switch prev_tid=8 next_tid=7 prev_state=0\n"
			 "40us cpu0 sched_switch prev_tid=7 next_tid=8 prev_state=0\n"
			 "70us cpu0 sched_switch prev_tid=8 next_tid=7 prev_state=1\n"
			 "100us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=16\n"
			 "120us cpu1 tid9 sched_waking tid=1\n");
	expect_us(story, 7, 10 + 5 + 30, 5 + 30, 20, 0);
	expect_us(story, 8, 25 + 30, 10 + 5, 50, 0); /* first seen when it ran: it had queued */
	assert_int_equal(activity(story, 7)->times.preemptions, 1);
	assert_int_equal(activity(story, 7)->times.sleeps, 1);
	assert_int_equal(activity(story, 7)->times.inferred_ns, 0);
	assert_int_equal(activity(story, 8)->times.inferred_ns, 10000);
	assert_int_equal(group(story, 0)->thread->tid, 7);
	assert_int_equal(group(story, 0)->site, 3);
	assert_int_equal(group(story, 0)->total_ns, 20000); /* by the first of two wakings */
	assert_int_equal(group(story, 0)->queue_ns, 5000);
	assert_int_equal(group(story, 0)->longest.certainty, CERTAIN_EXACT);
	const struct latency *l = story_state(story, &analysis_latency);
	assert_int_equal(l->all.count, 1);
	assert_int_equal(l->all.max, 5000);
	story_destroy(story);
}

/* R4: the waker was faster than the sleeper's way out. */
static void a_waking_that_raced_is_found(void **state)
{
	(void)state;
	struct story *story =
		story_of("0us cpu0 sched_switch prev_tid=1 next_tid=7 prev_state=0\n"
			 "9us cpu1 tid9 sched_waking tid=7\n"
			 "10us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1\n"
			 "25us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
			 "30us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1\n"
			 "50us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n");
	/* The second sleep has no waking at all: the early one was the first sleep's. */
	expect_us(story, 7, 10 + 5, 15, 20, 0);
	assert_int_equal(group(story, 0)->longest.cause.thread->tid, 9);
	assert_int_equal(group(story, 0)->total_ns, 0);
	assert_int_equal(group(story, 1)->cause, CAUSE_UNKNOWN);
	assert_int_equal(group(story, 1)->longest.certainty, CERTAIN_INFERRED);
	story_destroy(story);
}

static void lost_windows_are_unknown(void **state)
{
	(void)state;
	struct story *story =
		story_of("0us cpu0 sched_switch prev_tid=1 next_tid=7 prev_state=0\n"
			 "0us cpu1 sched_switch prev_tid=2 next_tid=9 prev_state=0\n"
			 "10us cpu0 sched_switch prev_tid=7 next_tid=8 prev_state=1\n"
			 "40us cpu0 lost_events count=5 begin=20000\n"
			 "50us cpu1 sched_waking tid=7\n"
			 "60us cpu0 sched_switch prev_tid=5 next_tid=7 prev_state=1\n"
			 "90us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1\n"
			 "100us cpu1 sched_switch prev_tid=9 next_tid=0 prev_state=1\n");
	expect_us(story, 7, 10 + 30, 10, 20 + 10, 20);
	expect_us(story, 8, 10, 10, 0, 80); /* its way out was lost */
	expect_us(story, 9, 100, 0, 0, 0);  /* ran elsewhere */
	expect_us(story, 5, 0, 0, 40, 60);  /* its way in was lost */
	assert_int_equal(group(story, 0)->longest.certainty, CERTAIN_INFERRED);
	story_destroy(story);
}

static void a_sleep_across_a_lost_window_without_waking_is_no_wait(void **state)
{
	(void)state;
	struct story *story =
		story_of("0us cpu0 sched_switch prev_tid=1 next_tid=7 prev_state=0\n"
			 "10us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1\n"
			 "40us cpu1 lost_events count=5 begin=20000\n"
			 "60us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n");
	const struct waits *w = story_state(story, &analysis_waits);
	expect_us(story, 7, 10, 0, 10, 40);
	assert_int_equal(w->groups.count, 0);
	story_destroy(story);
}

static void a_waker_of_another_process_than_its_place_is_not_believed(void **state)
{
	(void)state;
	struct story *story =
		story_of("0us lttng_statedump_process_state tid=9 pid=9 ppid=1 name=a type=0\n"
			 "0us cairn_site site=4 pid=6 syscall=1 ips=[0x1000]\n"
			 "0us cpu0 sched_switch prev_tid=1 next_tid=7 prev_state=0\n"
			 "10us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1\n"
			 "30us cpu1 tid9 sched_waking tid=7 waker_site=4 context=0\n"
			 "35us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n");
	assert_int_equal(group(story, 0)->cause, CAUSE_UNKNOWN);
	assert_int_equal(group(story, 0)->longest.cause.site, 4);
	story_destroy(story);
}

static void sleeps_that_never_end_are_open(void **state)
{
	(void)state;
	struct story *story =
		story_of("0us cpu0 sched_switch prev_tid=1 next_tid=7 prev_state=0\n"
			 "10us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1 prev_site=2\n"
			 "60us cpu1 tid9 sched_waking tid=8\n");
	expect_us(story, 7, 10, 0, 50, 0);
	assert_true(group(story, 0)->open);
	assert_int_equal(group(story, 0)->total_ns, 50000);
	story_destroy(story);
}

static void a_child_queues_from_its_birth(void **state)
{
	(void)state;
	struct story *story = story_of(
		"0us cpu0 sched_switch prev_tid=1 next_tid=7 prev_state=0\n"
		"10us cpu0 sched_process_fork parent_tid=7 parent_pid=7 child_tid=8 child_pid=8\n"
		"12us cpu0 sched_wakeup_new tid=8\n"
		"20us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n"
		"30us cpu1 sched_process_exit tid=8\n"
		"31us cpu1 sched_switch prev_tid=8 next_tid=0 prev_state=32\n"
		"99us cpu1 tid0 sched_waking tid=1\n");
	expect_us(story, 8, 11, 10, 0, 0);
	assert_int_equal(activity(story, 8)->end_ns, 31000);
	const struct latency *l = story_state(story, &analysis_latency);
	assert_int_equal(l->all.max, 8000);
	story_destroy(story);
}

/* A flight recorder's state dump stands behind its events; a target's children are its own. */
static void targets_may_be_told_late(void **state)
{
	(void)state;
	struct story *story =
		story_of("0us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1\n"
			 "20us cpu1 tid9 sched_waking tid=7\n"
			 "25us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
			 "30us cpu1 tid7 sched_waking tid=9\n"
			 "31us cpu1 sched_switch prev_tid=0 next_tid=9 prev_state=0\n"
			 "40us lttng_statedump_process_state tid=7 pid=7 ppid=5 name=a type=0\n"
			 "40us lttng_statedump_process_state tid=5 pid=5 ppid=1 name=b type=0\n"
			 "40us cairn_target pid=5\n");
	const struct latency *l = story_state(story, &analysis_latency);
	assert_int_equal(l->targets.count, 1);
	assert_int_equal(l->targets.total, 5000);
	assert_int_equal(l->targets.max, 5000);
	assert_int_equal(histogram_quantile(&l->targets, 500), 5000);
	assert_int_equal(l->longest_target.thread->tid, 7);
	story_destroy(story);
}

/* A recording of a few threads only: what the others did must not be made up. */
static void left_out_threads_are_unknown(void **state)
{
	(void)state;
	struct story *story =
		story_of("0us cpu0 sched_switch prev_tid=1 next_tid=7 prev_state=0\n"
			 "10us cpu0 sched_switch prev_tid=7 next_tid=5 prev_state=1\n"
			 "20us cpu0 tid4 sched_waking tid=7\n"
			 "21us cpu0 sched_switch prev_tid=4 next_tid=7 prev_state=0\n"
			 "30us cpu0 sched_switch prev_tid=7 next_tid=5 prev_state=1\n");
	expect_us(story, 7, 19, 1, 10, 0);
	expect_us(story, 5, 0, 0, 0, 30);
	expect_us(story, 4, 0, 9, 0, 21); /* preempted at 21 µs, and that is all */
	story_destroy(story);
}

/* Random events, whatever comes: R1 holds for each thread, and nothing is negative. */

enum { RANDOM_TIDS = 40, RANDOM_CPUS = 4, RANDOM_FIELDS = 4 };

struct random_source {
	struct source source;
	struct source *types; /* keeps the event types */
	const struct event_type *of[16];
	unsigned type_count;
	uint64_t seed, time_ns, left;
	bool tidy; /* switches agree with each other */
	int32_t runs[RANDOM_CPUS];
	uint64_t payload[RANDOM_FIELDS];
};

static uint32_t random_below(struct random_source *r, uint32_t limit)
{
	r->seed = r->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(r->seed >> 33) % limit;
}

static void random_payload(struct random_source *r, const struct event *e)
{
	for (unsigned i = 0; i < RANDOM_FIELDS; i++)
		r->payload[i] = random_below(r, RANDOM_TIDS);
	if (e->type->kind == EVENT_LOST)
		r->payload[1] = r->time_ns - random_below(r, 3000);
	if (e->type->kind != EVENT_SCHED_SWITCH)
		return;
	r->payload[2] = (uint64_t[]){0, 0, 1, 1, 2, 16}[random_below(r, 6)];
	if (!r->tidy)
		return;
	r->payload[0] = (uint64_t)r->runs[e->cpu];
	for (int cpu = 0; cpu < RANDOM_CPUS; cpu++) {
		if ((uint64_t)r->runs[cpu] == r->payload[1])
			r->payload[1] = 0; /* runs elsewhere */
	}
	r->runs[e->cpu] = (int32_t)r->payload[1];
}

static int random_next(struct source *source, struct event *ret, struct err *e)
{
	struct random_source *r = (struct random_source *)source;
	(void)e;
	if (!r->left--)
		return 0;
	uint32_t which = random_below(r, 3 * r->type_count);
	r->time_ns += random_below(r, 1000);
	*ret = (struct event){
		.time_ns = r->time_ns,
		.type = r->of[which < r->type_count ? which : which & 1],
		.payload = (const uint8_t *)r->payload,
		.payload_bytes = sizeof(r->payload),
		.cpu = (int32_t)random_below(r, RANDOM_CPUS),
	};
	ret->tid = r->tidy ? r->runs[ret->cpu] : (int32_t)random_below(r, RANDOM_TIDS) - 1;
	random_payload(r, ret);
	return 1;
}

static const char random_types[] =
	"1 sched_switch prev_tid=0 next_tid=0 prev_state=0 prev_site=0\n"
	"1 sched_waking tid=0 context=0 waker_site=0 prio=0\n"
	"1 sched_wakeup_new tid=0 a=0 b=0 c=0\n"
	"1 irq_handler_entry irq=0 a=0 b=0 c=0\n"
	"1 irq_handler_exit irq=0 a=0 b=0 c=0\n"
	"1 softirq_entry vec=0 a=0 b=0 c=0\n"
	"1 softirq_exit vec=0 a=0 b=0 c=0\n"
	"1 softirq_raise vec=0 a=0 b=0 c=0\n"
	"1 hrtimer_expire_entry hrtimer=0 function=0 b=0 c=0\n"
	"1 workqueue_queue_work work=0 function=0 b=0 c=0\n"
	"1 workqueue_execute_start work=0 function=0 b=0 c=0\n"
	"1 block_rq_issue dev=0 sector=0 bytes=0 rwbs=0\n"
	"1 block_rq_complete dev=0 sector=0 nr_sector=0 rwbs=0\n"
	"1 sched_process_fork parent_tid=0 parent_pid=0 child_tid=0 child_pid=0\n"
	"1 sched_process_exit tid=0 a=0 b=0 c=0\n"
	"1 lost_events count=0 begin=0 b=0 c=0\n";

static void random_init(struct random_source *r, uint64_t seed, uint64_t events)
{
	struct event e;
	struct err err = {0};
	*r = (struct random_source){.source.next = random_next, .seed = seed, .left = events};
	r->time_ns = 1000000;
	assert_int_equal(script_open(&r->types, random_types, &err), 0);
	while (source_next(r->types, &e, &err) > 0)
		r->of[r->type_count++] = e.type;
}

static void check_invariants(const struct story *story)
{
	const struct threads *t = story_state(story, &analysis_threads);
	const struct states *s = story_state(story, &analysis_states);
	const struct waits *w = story_state(story, &analysis_waits);
	array_each(thread, &t->all) {
		const struct activity *a = states_of(s, *thread);
		uint64_t sum = 0, known = 0;
		for (unsigned i = 0; i < THREAD_STATES; i++) {
			sum += a->times.state_ns[i];
			if (i != THREAD_UNKNOWN)
				known += a->times.state_ns[i];
		}
		assert_int_equal(sum, a->end_ns - a->begin_ns);
		assert_true(a->begin_ns <= a->end_ns && a->end_ns <= story->end_ns);
		assert_true(a->times.inferred_ns <= known);
		assert_int_equal(a->times.state_ns[THREAD_UNSEEN], 0);
		assert_int_equal(a->times.state_ns[THREAD_DEAD], 0);
	}
	array_each(g, &w->groups) {
		assert_true(g->longest.from_ns <= g->longest.woken_ns);
		assert_true(g->longest.woken_ns <= g->longest.run_ns);
		assert_true(g->total_ns >= sleep_ns(&g->longest));
	}
}

static void random_streams_keep_the_invariants(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct random_source r;
		struct story *story = NULL;
		struct err e = {0};
		random_init(&r, seed, 5000);
		r.tidy = seed % 2;
		assert_int_equal(analysis_run(&r.source, analysis_all, &story, &e), 0);
		check_invariants(story);
		story_destroy(story);
		source_close(r.types);
	}
}

/* Said, not judged: a loaded machine is no reason to fail. */
static void a_million_scheduling_events(void **state)
{
	(void)state;
	struct random_source r;
	struct story *story = NULL;
	struct err e = {0};
	struct timespec from, to;
	random_init(&r, 7, 1000000);
	r.tidy = true;
	r.type_count = 2;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	assert_int_equal(analysis_run(&r.source, analysis_all, &story, &e), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	print_message("# 1 M scheduling events: %.0f ms of cpu time\n",
		      (double)(to.tv_sec - from.tv_sec) * 1e3 +
			      (double)(to.tv_nsec - from.tv_nsec) / 1e6);
	check_invariants(story);
	story_destroy(story);
	source_close(r.types);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_runs_sleeps_queues_and_runs),
		cmocka_unit_test(a_waking_that_raced_is_found),
		cmocka_unit_test(targets_may_be_told_late),
		cmocka_unit_test(lost_windows_are_unknown),
		cmocka_unit_test(a_sleep_across_a_lost_window_without_waking_is_no_wait),
		cmocka_unit_test(a_waker_of_another_process_than_its_place_is_not_believed),
		cmocka_unit_test(sleeps_that_never_end_are_open),
		cmocka_unit_test(a_child_queues_from_its_birth),
		cmocka_unit_test(left_out_threads_are_unknown),
		cmocka_unit_test(random_streams_keep_the_invariants),
		cmocka_unit_test(a_million_scheduling_events),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
