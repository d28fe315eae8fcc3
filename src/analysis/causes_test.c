/* SPDX-License-Identifier: MIT */
#include "analysis/story_test.h"

#include "analysis/disks.h"
#include "analysis/waits.h"

/* The only sleep of thread 7 that was woken. */
static const struct sleep *sleep_of_7(const struct story *story)
{
	const struct waits *w = story_state(story, &analysis_waits);
	array_each(g, &w->groups) {
		if (g->thread->tid == 7 && !g->open)
			return &g->longest;
	}
	fail_msg("thread 7 was never seen to sleep");
	return NULL;
}

#define ASLEEP "10us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1\n"
#define AWAKE  "90us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"

static void a_thread_wakes(void **state)
{
	(void)state;
	struct story *story =
		story_of(ASLEEP "50us cpu1 tid8 sched_waking tid=7 waker_site=4\n" AWAKE);
	const struct sleep *s = sleep_of_7(story);
	assert_int_equal(s->cause.kind, CAUSE_TASK);
	assert_int_equal(s->cause.thread->tid, 8);
	assert_int_equal(s->cause.site, 4);
	assert_int_equal(sleep_ns(s), 40000);
	story_destroy(story);
}

static void a_timer_wakes(void **state)
{
	(void)state;
	struct story *story =
		story_of(ASLEEP "49us cpu1 tid8 hrtimer_expire_entry hrtimer=1 function=0xabc\n"
				"50us cpu1 tid8 sched_waking tid=7 context=2\n"
				"51us cpu1 tid8 hrtimer_expire_exit hrtimer=1\n" AWAKE);
	const struct sleep *s = sleep_of_7(story);
	assert_int_equal(s->cause.kind, CAUSE_TIMER);
	assert_int_equal(s->cause.function, 0xabc);
	story_destroy(story);
}

static void a_packet_over_loopback_is_its_senders(void **state)
{
	(void)state;
	struct story *story = story_of(ASLEEP "47us cpu1 tid8 softirq_raise vec=3\n"
					      "48us cpu1 tid8 softirq_entry vec=3\n"
					      "50us cpu1 tid8 sched_waking tid=7 context=1\n"
					      "51us cpu1 tid8 softirq_exit vec=3\n" AWAKE);
	const struct sleep *s = sleep_of_7(story);
	assert_int_equal(s->cause.kind, CAUSE_TASK);
	assert_int_equal(s->cause.thread->tid, 8);
	assert_int_equal(s->cause.number, 3);
	story_destroy(story);
}

/* What a worker did it did for whoever had queued its work. */
static void a_worker_wakes_for_who_queued_its_work(void **state)
{
	(void)state;
	struct story *story =
		story_of(ASLEEP "15us cpu1 tid8 workqueue_queue_work work=0x11 function=0x22\n"
				"18us cpu1 tid99 workqueue_execute_start work=0x11 function=0x22\n"
				"50us cpu1 tid99 sched_waking tid=7 context=0\n"
				"51us cpu1 tid99 workqueue_execute_end work=0x11\n" AWAKE);
	const struct sleep *s = sleep_of_7(story);
	assert_int_equal(s->cause.thread->tid, 99);
	assert_int_equal(s->cause.queuer->tid, 8);
	assert_int_equal(s->cause.function, 0x22);
	story_destroy(story);
}

static void a_disk_wakes_with_the_request_and_its_issuer(void **state)
{
	(void)state;
	struct story *story =
		story_of(ASLEEP "15us cpu1 tid8 workqueue_queue_work work=0x11 function=0x22\n"
				"18us cpu1 tid99 workqueue_execute_start work=0x11 function=0x22\n"
				"20us cpu1 tid99 block_rq_issue dev=0xfe00 sector=64 bytes=4096 "
				"rwbs=WS nr_sector=8\n"
				"21us cpu1 tid99 workqueue_execute_end work=0x11\n"
				"48us cpu1 tid3 irq_handler_entry irq=24\n"
				"49us cpu1 tid3 block_rq_complete dev=0xfe00 sector=64 nr_sector=8 "
				"error=0 rwbs=WS\n"
				"50us cpu1 tid3 sched_waking tid=7 context=2\n"
				"51us cpu1 tid3 irq_handler_exit irq=24\n" AWAKE);
	const struct sleep *s = sleep_of_7(story);
	assert_int_equal(s->cause.kind, CAUSE_DISK);
	assert_int_equal(s->cause.number, 24);
	assert_int_equal(s->cause.request.op, DISK_WRITE);
	assert_int_equal(s->cause.request.issuer->tid, 99);
	assert_int_equal(s->cause.request.done_ns - s->cause.request.issue_ns, 29000);
	const struct disks *d = story_state(story, &analysis_disks);
	assert_int_equal(d->all.count, 1);
	assert_int_equal(d->all.items[0]->ops[DISK_WRITE].latency_ns.max, 29000);
	assert_int_equal(d->all.items[0]->ops[DISK_WRITE].bytes, 4096);
	story_destroy(story);
}

/* Issued as sector 0, completed as ~0; the empty write around it is no request. */
static void flushes_meet_their_completions(void **state)
{
	(void)state;
	struct story *story = story_of(
		ASLEEP "20us cpu1 tid9 block_rq_issue dev=5 sector=0 bytes=0 rwbs=FF\n"
		       "30us cpu1 tid3 irq_handler_entry irq=24\n"
		       "40us cpu1 tid3 block_rq_complete dev=5 sector=-1 nr_sector=0 rwbs=FF\n"
		       "41us cpu1 tid3 block_rq_complete dev=5 sector=0 nr_sector=0 rwbs=WS\n"
		       "42us cpu1 tid3 sched_waking tid=7 context=2\n" AWAKE);
	const struct disks *d = story_state(story, &analysis_disks);
	assert_int_equal(d->unmatched, 0);
	assert_int_equal(d->all.items[0]->ops[DISK_FLUSH].latency_ns.total, 20000);
	assert_int_equal(d->all.items[0]->ops[DISK_FLUSH].longest.issuer->tid, 9);
	assert_int_equal(sleep_of_7(story)->cause.request.op, DISK_FLUSH);
	story_destroy(story);
}

/* A completion that was missed must not shift all later ones by one. */
static void a_missed_completion_costs_one_sample(void **state)
{
	(void)state;
	struct story *story = story_of("10us cpu0 tid8 block_rq_issue dev=5 sector=8 rwbs=W\n"
				       "100us cpu0 tid8 block_rq_issue dev=5 sector=8 rwbs=W\n"
				       "110us cpu0 block_rq_complete dev=5 sector=8 rwbs=W\n"
				       "200us cpu0 tid8 block_rq_issue dev=5 sector=8 rwbs=W\n"
				       "205us cpu0 block_rq_complete dev=5 sector=8 rwbs=W\n");
	const struct disks *d = story_state(story, &analysis_disks);
	assert_int_equal(d->unmatched, 1);
	assert_int_equal(d->all.items[0]->ops[DISK_WRITE].latency_ns.count, 1);
	assert_int_equal(d->all.items[0]->ops[DISK_WRITE].latency_ns.max, 5000);
	story_destroy(story);
}

static void a_lost_issue_is_not_matched_with_a_later_completion(void **state)
{
	(void)state;
	struct story *story = story_of("10us cpu0 tid8 block_rq_issue dev=5 sector=8 rwbs=R\n"
				       "20us cpu0 lost_events count=2 begin=11000\n"
				       "30us cpu0 block_rq_complete dev=5 sector=8 rwbs=R\n");
	const struct disks *d = story_state(story, &analysis_disks);
	assert_int_equal(d->all.count, 0);
	assert_int_equal(d->unmatched, 1);
	story_destroy(story);
}

static void the_bits_of_a_request_are_read_in_each_dialect(void **state)
{
	(void)state;
	struct story *story = story_of(
		"1us cpu0 block_rq_issue dev=1 sector=1 rwbs=0x20801\n" /* REQ_OP_WRITE and flags */
		"2us cpu0 block_rq_complete dev=1 sector=1 rwbs=0x20801\n"
		"3us cpu0 block_rq_issue dev=1 sector=2 rwbs=4 comm=x\n" /* LTTng's read */
		"4us cpu0 block_rq_complete dev=1 sector=2 rwbs=0\n"
		"5us cpu0 block_rq_issue dev=1 sector=3 rwbs=FWS\n"
		"6us cpu0 block_rq_complete dev=1 sector=3 rwbs=FWS\n");
	const struct disks *d = story_state(story, &analysis_disks);
	assert_int_equal(d->all.items[0]->ops[DISK_WRITE].latency_ns.count, 2);
	assert_int_equal(d->all.items[0]->ops[DISK_READ].latency_ns.count, 1);
	story_destroy(story);
}

/* A snapshot begins inside an interrupt; its exit must not end what it never began. */
static void contexts_survive_what_was_not_seen(void **state)
{
	(void)state;
	struct story *story = story_of("1us cpu1 tid8 irq_handler_exit irq=1\n"
				       "2us cpu1 tid8 softirq_exit vec=3\n"
				       "3us cpu1 tid8 irq_handler_entry irq=1\n" ASLEEP
				       "50us cpu1 tid8 sched_waking tid=7 context=0\n" AWAKE);
	const struct sleep *s = sleep_of_7(story);
	assert_int_equal(s->cause.kind, CAUSE_TASK);
	story_destroy(story);
	story = story_of(ASLEEP "50us cpu1 tid8 sched_waking tid=7 context=2\n" AWAKE);
	s = sleep_of_7(story);
	assert_int_equal(s->cause.kind, CAUSE_IRQ); /* of which nothing else is known */
	assert_int_equal(s->cause.number, -1);
	story_destroy(story);
}

/* The item may have been done and queued again by another in the meantime. */
static void across_a_loss_nobody_is_said_to_have_queued_a_work(void **state)
{
	(void)state;
	struct story *story =
		story_of(ASLEEP "15us cpu1 tid8 workqueue_queue_work work=0x11 function=0x22\n"
				"17us cpu2 lost_events count=1 begin=16000\n"
				"18us cpu1 tid99 workqueue_execute_start work=0x11 function=0x22\n"
				"50us cpu1 tid99 sched_waking tid=7\n" AWAKE);
	const struct sleep *s = sleep_of_7(story);
	assert_int_equal(s->cause.function, 0x22);
	assert_null(s->cause.queuer);
	story_destroy(story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_wakes),
		cmocka_unit_test(a_timer_wakes),
		cmocka_unit_test(a_packet_over_loopback_is_its_senders),
		cmocka_unit_test(a_worker_wakes_for_who_queued_its_work),
		cmocka_unit_test(a_disk_wakes_with_the_request_and_its_issuer),
		cmocka_unit_test(flushes_meet_their_completions),
		cmocka_unit_test(a_missed_completion_costs_one_sample),
		cmocka_unit_test(a_lost_issue_is_not_matched_with_a_later_completion),
		cmocka_unit_test(the_bits_of_a_request_are_read_in_each_dialect),
		cmocka_unit_test(contexts_survive_what_was_not_seen),
		cmocka_unit_test(across_a_loss_nobody_is_said_to_have_queued_a_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
