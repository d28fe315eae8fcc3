/* SPDX-License-Identifier: MIT */
#include "analysis/story_test.h"

#include "analysis/blame.h"

/* 7 waits twice for 8, which waits for the disk in between; then 7 has to queue behind 9. */
static const char script[] =
	"0us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
	"0us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n"
	"1us cpu1 tid8 cairn_site site=4 pid=8 syscall=202 count=1 ips=[0x40]\n"
	"10us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1 prev_site=3 prev_arg=0x99\n"
	"20us cpu1 tid8 block_rq_issue dev=5 sector=64 bytes=4096 rwbs=W\n"
	"20us cpu1 sched_switch prev_tid=8 next_tid=0 prev_state=2 prev_site=5 prev_arg=6\n"
	"70us cpu1 tid0 irq_handler_entry irq=9\n"
	"70us cpu1 tid0 block_rq_complete dev=5 sector=64 nr_sector=8 rwbs=W\n"
	"70us cpu1 tid0 sched_waking tid=8 context=2\n"
	"71us cpu1 tid0 irq_handler_exit irq=9\n"
	"75us cpu1 sched_switch prev_tid=0 next_tid=8 prev_state=0\n"
	"80us cpu1 sched_waking tid=7 waker_site=4\n"
	"80us cpu0 sched_switch prev_tid=0 next_tid=7 prev_state=0\n"
	"85us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1 prev_site=3 prev_arg=0x99\n"
	"90us cpu1 sched_waking tid=7 waker_site=4\n"
	"90us cpu0 sched_switch prev_tid=0 next_tid=9 prev_state=0\n"
	"99us cpu0 sched_switch prev_tid=9 next_tid=7 prev_state=1\n"
	"100us cpu0 sched_switch prev_tid=7 next_tid=0 prev_state=1\n";

static struct story *story;
static struct tallies tallies;

static void tally_7(const struct tally_options *options)
{
	struct tally_options o = *options;
	story = story_of(script);
	const struct history *h = story_state(story, &analysis_history);
	o.to_ns = o.to_ns ? o.to_ns : UINT64_MAX;
	assert_int_equal(tallies_init(&tallies), 0);
	tallies_add_thread(&tallies, h, threads_find(h->threads, 7), &o);
	assert_false(tallies.failed);
	tallies_sort(&tallies);
}

static void untally(void)
{
	tallies_deinit(&tallies);
	story_destroy(story);
}

static void check_line(const struct tally *line, unsigned kind, uint64_t us, uint64_t count)
{
	assert_non_null(line);
	assert_int_equal(line->key.kind, kind);
	assert_int_equal(line->total_ns, us * 1000);
	assert_int_equal(line->count, count);
}

static void alike_waits_are_one_line_with_what_they_were_for(void **state)
{
	(void)state;
	tally_7(&(struct tally_options){0});
	const struct tally *wait = tallies.root.children;
	assert_int_equal(tallies.root.total_ns, 100000);
	check_line(wait, SEGMENT_BLOCKED, 75, 2);
	assert_int_equal(wait->longest_ns, 70000);
	assert_int_equal(wait->sleep.arg, 0x99);
	const struct tally *actor = wait->children;
	check_line(actor, TALLY_FOR, 75, 2);
	assert_int_equal(actor->key.thread->tid, 8);
	assert_int_equal(actor->cause.site, 4);
	assert_null(actor->next);
	check_line(actor->children, SEGMENT_BLOCKED, 50, 1);
	check_line(actor->children->children, SEGMENT_DEVICE, 50, 1);
	check_line(actor->children->next, SEGMENT_RUN, 20, 3);
	check_line(actor->children->next->next, SEGMENT_QUEUE, 5, 1);
	check_line(wait->next, SEGMENT_RUN, 16, 3);
	check_line(wait->next->next, SEGMENT_QUEUE, 9, 1);
	check_line(wait->next->next->children, TALLY_BEHIND, 9, 1);
	assert_int_equal(wait->next->next->children->key.thread->tid, 9);
	untally();
}

static void leaves_add_up(void **state)
{
	(void)state;
	tally_7(&(struct tally_options){.from_ns = 15000, .to_ns = 88000});
	assert_int_equal(tallies.root.total_ns, 73000);
	assert_int_equal(tallies.exact_ns + tallies.inferred_ns + tallies.unknown_ns, 73000);
	untally();
}

static bool never(void *context, const struct sleep *sleep)
{
	(void)context;
	(void)sleep;
	return false;
}

static void what_is_not_entered_is_a_line_or_nothing(void **state)
{
	(void)state;
	tally_7(&(struct tally_options){.enter = never});
	check_line(tallies.root.children, SEGMENT_BLOCKED, 75, 2);
	assert_null(tallies.root.children->children);
	untally();
	tally_7(&(struct tally_options){.enter = never, .only_waits = true});
	check_line(tallies.root.children, SEGMENT_QUEUE, 9, 1);
	assert_null(tallies.root.children->next);
	untally();
}

/* The disk for what 8 waited for it, 8 for what it ran, 9 for having had the cpu. */
static void blame_goes_to_the_end_of_the_chain(void **state)
{
	(void)state;
	struct blames b;
	tally_7(&(struct tally_options){.only_waits = true});
	blames_init(&b, &tallies);
	assert_false(b.failed);
	assert_int_equal(b.rows.count, 4);
	assert_int_equal(b.rows.items[0].key.kind, SEGMENT_DEVICE);
	assert_int_equal(b.rows.items[0].total_ns, 50000);
	assert_int_equal(b.rows.items[0].key.site, 5);
	assert_int_equal(b.rows.items[1].key.kind, SEGMENT_RUN);
	assert_int_equal(b.rows.items[1].thread->tid, 8);
	assert_int_equal(b.rows.items[1].key.site, 4);
	assert_int_equal(b.rows.items[1].total_ns, 20000);
	assert_int_equal(b.rows.items[2].key.kind, TALLY_BEHIND);
	assert_int_equal(b.rows.items[2].key.thread->tid, 9);
	assert_int_equal(b.rows.items[3].key.idle, true);
	blames_deinit(&b);
	untally();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alike_waits_are_one_line_with_what_they_were_for),
		cmocka_unit_test(leaves_add_up),
		cmocka_unit_test(what_is_not_entered_is_a_line_or_nothing),
		cmocka_unit_test(blame_goes_to_the_end_of_the_chain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
