/* SPDX-License-Identifier: MIT */
#include "analysis/story_test.h"

#include "analysis/cost.h"
#include "analysis/cpu_time.h"
#include "analysis/histogram.h"
#include "analysis/interrupts.h"
#include "analysis/inventory.h"
#include "analysis/losses.h"
#include "analysis/sites.h"
#include "analysis/syscalls.h"
#include "analysis/threads.h"

static void histogram_is_right_within_a_sixteenth(void **state)
{
	(void)state;
	static struct histogram h;
	assert_int_equal(histogram_quantile(&h, 500), 0);
	for (uint64_t i = 1; i <= 100000; i++)
		histogram_add(&h, i * 7);
	assert_int_equal(h.count, 100000);
	assert_int_equal(h.max, 700000);
	assert_int_equal(histogram_mean(&h), 350003);
	for (unsigned per_mille = 1; per_mille <= 1000; per_mille++) {
		uint64_t truth = (uint64_t)per_mille * 100 * 7;
		uint64_t read = histogram_quantile(&h, per_mille);
		assert_in_range(read, truth, truth + truth / 16 + 1);
	}
	static struct histogram edge;
	histogram_add(&edge, 0);
	histogram_add(&edge, UINT64_MAX);
	assert_int_equal(histogram_quantile(&edge, 1), 0);
	assert_true(histogram_quantile(&edge, 1000) == UINT64_MAX);
}

static void needs_come_first_and_once(void **state)
{
	(void)state;
	struct source *source;
	struct story *story;
	struct err e = {0};
	const struct analysis *const wanted[] = {&analysis_waits, &analysis_latency, NULL};
	assert_int_equal(script_open(&source, "1 sched_switch prev_tid=1 next_tid=2\n", &e), 0);
	assert_int_equal(analysis_run(source, wanted, &story, &e), 0);
	source_close(source);
	assert_ptr_equal(story->members[0].analysis, &analysis_threads);
	assert_int_equal(story->count, 8);
	assert_non_null(story_state(story, &analysis_states));
	assert_null(story_state(story, &analysis_interrupts));
	story_destroy(story);
}

static void window_is_that_of_the_events_not_of_the_dump(void **state)
{
	(void)state;
	struct story *story = story_of("1us cairn_target pid=9\n"
				       "2us sched_process_exit tid=4\n"
				       "10us cpu0 sched_switch prev_tid=1 next_tid=2\n"
				       "30us cpu0 sched_switch prev_tid=2 next_tid=1\n"
				       "90us cairn_recorder cpu_ns=5 probe_ns=6 wall_ns=100\n");
	assert_int_equal(story->begin_ns, 10000);
	assert_int_equal(story->end_ns, 30000);
	assert_int_equal(story->events, 3); /* a life counts, wherever it was kept */
	const struct cost *cost = story_state(story, &analysis_cost);
	assert_true(cost->known);
	assert_int_equal(cost->cpu_ns, 5);
	story_destroy(story);
	story = story_of("");
	assert_int_equal(story->events, 0);
	story_destroy(story);
}

static void threads_have_names_processes_and_targets(void **state)
{
	(void)state;
	struct story *story = story_of(
		"1 lttng_statedump_process_state tid=2 pid=2 ppid=0 name=kthreadd type=1\n"
		"2 lttng_statedump_process_state tid=50 pid=50 ppid=1 name=shop type=0\n"
		"3 cairn_process_args pid=50 args='./shop --orders 5'\n"
		"4 cairn_target pid=50\n"
		"5 cpu0 tid50 sched_process_fork parent_tid=50 parent_pid=50 child_tid=51 "
		"child_pid=50 "
		"child_comm=shop\n"
		"6 tid51 task_rename tid=51 newcomm=worker-1\n"
		"7 tid51 sched_process_fork parent_tid=51 parent_pid=50 child_tid=60 child_pid=60 "
		"child_comm=worker-1\n"
		"8 tid60 sched_process_exec tid=60 old_tid=60 filename=/usr/bin/gzip comm=gzip\n"
		"9 tid60 sched_process_exit tid=60\n"
		"10 tid1 sched_process_fork parent_tid=1 parent_pid=1 child_tid=60 child_pid=60 "
		"child_comm=other\n");
	const struct threads *t = story_state(story, &analysis_threads);
	assert_true(t->has_targets);
	const struct thread *worker = threads_find(t, 51);
	assert_string_equal(worker->comm, "worker-1");
	assert_int_equal(thread_pid(worker), 50);
	assert_true(thread_is_target(worker));
	assert_string_equal(worker->process->args, "./shop --orders 5");
	const struct thread *gzip = t->all.items[3], *other = threads_find(t, 60);
	assert_string_equal(gzip->comm, "gzip");
	assert_true(thread_is_target(gzip));
	assert_int_equal(gzip->died_ns, 9);
	assert_string_equal(other->comm, "other"); /* the id used again is somebody else */
	assert_false(thread_is_target(other));
	assert_true(threads_find(t, 2)->kernel);
	story_destroy(story);
}

/* ftrace's fork says the thread ids only, under the names of process ids. */
static void a_fork_without_processes_does_not_invent_them(void **state)
{
	(void)state;
	struct story *story = story_of("1 sched_process_fork parent_pid=7 child_pid=8\n"
				       "2 sched_switch prev_pid=7 next_pid=8 next_comm=child\n");
	const struct threads *t = story_state(story, &analysis_threads);
	assert_string_equal(threads_find(t, 8)->comm, "child");
	assert_null(threads_find(t, 8)->process);
	story_destroy(story);
}

static void inventory_knows_names(void **state)
{
	(void)state;
	struct story *story =
		story_of("1 lttng_statedump_file_descriptor pid=7 fd=3 filename=/var/log/x\n"
			 "1 lttng_statedump_interrupt irq=24 name=msi action=virtio0\n"
			 "1 lttng_statedump_block_device dev=0xfe00 diskname=vda\n");
	const struct inventory *i = story_state(story, &analysis_inventory);
	assert_string_equal(inventory_file(i, 7, 3), "/var/log/x");
	assert_null(inventory_file(i, 8, 3));
	assert_string_equal(inventory_irq(i, 24), "virtio0");
	assert_string_equal(inventory_disk(i, 0xfe00), "vda");
	story_destroy(story);
}

static void an_exec_closes_files(void **state)
{
	(void)state;
	struct story *story =
		story_of("1 lttng_statedump_file_descriptor pid=7 fd=1 filename=/dev/null\n"
			 "1 lttng_statedump_file_descriptor pid=7 fd=3 filename=/recorder\n"
			 "1 lttng_statedump_file_descriptor pid=7 fd=4 filename=/recorder\n"
			 "2 tid7 sched_process_exec tid=7 old_tid=7 filename=/bin/sh comm=sh\n"
			 "3 lttng_statedump_file_descriptor pid=7 fd=4 filename=/script\n");
	const struct inventory *i = story_state(story, &analysis_inventory);
	assert_string_equal(inventory_file(i, 7, 1), "/dev/null");
	assert_null(inventory_file(i, 7, 3));
	assert_string_equal(inventory_file(i, 7, 4), "/script");
	story_destroy(story);
}

static void sites_keep_their_stacks(void **state)
{
	(void)state;
	struct story *story = story_of("1 cairn_site site=5 pid=7 syscall=202 ips=[0x1000 0x2000]\n"
				       "2 cairn_site site=0 pid=7 ips=[1]\n"
				       "3 cairn_site site=6 pid=8\n");
	const struct sites *sites = story_state(story, &analysis_sites);
	const struct site *site = sites_find(sites, 5);
	assert_int_equal(site->syscall, 202);
	assert_int_equal(site->count, 2);
	assert_int_equal(site->ips[1], 0x2000);
	assert_int_equal(sites_find(sites, 6)->syscall, -1);
	assert_null(sites_find(sites, 0));
	assert_string_equal(syscall_name(202), "futex");
	assert_null(syscall_name(-1));
	assert_null(syscall_name(1 << 20));
	assert_int_equal(syscall_kind(0), SYSCALL_FILE);
	assert_int_equal(syscall_kind(-1), SYSCALL_PLAIN);
	story_destroy(story);
}

static void gaps_overlap_and_add_up(void **state)
{
	(void)state;
	struct story *story = story_of("10 cpu0 lost_events count=3 begin=5\n"
				       "20 cpu1 lost_events count=2 begin=8\n"
				       "40 cpu0 lost_events count=1 begin=30\n"
				       "50 cpu0 lost_events count=1 begin=60\n");
	const struct losses *l = story_state(story, &analysis_losses);
	assert_int_equal(l->events, 7);
	assert_int_equal(l->any.list.count, 3); /* the first two overlap, the last is a point */
	assert_int_equal(gaps_between(&l->any, 0, 100), 15 + 10 + 1);
	assert_int_equal(gaps_between(&l->any, 19, 31), 1 + 1);
	assert_int_equal(gaps_between(&l->any, 20, 30), 0);
	assert_int_equal(gaps_between(losses_of(l, 0), 0, 100), 5 + 10 + 1);
	assert_int_equal(gaps_between(losses_of(l, 1), 0, 100), 12);
	assert_int_equal(gaps_between(losses_of(l, 9), 0, 100), 0);
	assert_int_equal(gaps_first(&l->any, 6, 100), 6);
	assert_int_equal(gaps_first(&l->any, 21, 100), 30);
	assert_int_equal(gaps_first(&l->any, 21, 29), 29);
	assert_int_equal(gaps_last_end(&l->any, 45), 40);
	story_destroy(story);
}

static void cpus_are_busy_idle_or_unknown(void **state)
{
	(void)state;
	struct story *story = story_of("0us other:mark a=1\n"
				       "10us cpu0 sched_switch prev_tid=5 next_tid=0 prev_state=1\n"
				       "30us cpu0 sched_switch prev_tid=0 next_tid=5 prev_state=0\n"
				       "60us cpu0 lost_events count=9 begin=40000\n"
				       "70us cpu0 sched_switch prev_tid=5 next_tid=0 prev_state=1\n"
				       "100us other:mark a=1\n");
	const struct cpu_times *c = story_state(story, &analysis_cpu_time);
	assert_int_equal(c->cpus.count, 1);
	assert_int_equal(c->cpus.items[0].busy_ns, 10000 + 10000 + 10000);
	assert_int_equal(c->cpus.items[0].idle_ns, 20000 + 30000);
	assert_int_equal(c->cpus.items[0].unknown_ns, 20000);
	story_destroy(story);
}

static void interrupts_are_counted_when_both_ends_are_seen(void **state)
{
	(void)state;
	struct story *story = story_of("5us cpu0 irq_handler_exit irq=9\n"
				       "10us cpu0 irq_handler_entry irq=9\n"
				       "12us cpu0 irq_handler_exit irq=9\n"
				       "13us cpu0 softirq_entry vec=3\n"
				       "14us cpu0 irq_handler_entry irq=9\n"
				       "15us cpu0 lost_events count=1 begin=14500\n"
				       "19us cpu0 irq_handler_exit irq=9\n"
				       "20us cpu0 softirq_exit vec=3\n"
				       "21us cpu0 softirq_entry vec=3\n"
				       "24us cpu0 softirq_exit vec=3\n");
	const struct interrupts *i = story_state(story, &analysis_interrupts);
	assert_int_equal(i->all.count, 2);
	assert_int_equal(i->all.items[0]->took_ns.count, 1);
	assert_int_equal(i->all.items[0]->took_ns.max, 2000);
	assert_true(i->all.items[1]->softirq);
	assert_int_equal(i->all.items[1]->took_ns.total, 3000);
	assert_string_equal(softirq_name(3), "net receive");
	story_destroy(story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(histogram_is_right_within_a_sixteenth),
		cmocka_unit_test(needs_come_first_and_once),
		cmocka_unit_test(window_is_that_of_the_events_not_of_the_dump),
		cmocka_unit_test(threads_have_names_processes_and_targets),
		cmocka_unit_test(a_fork_without_processes_does_not_invent_them),
		cmocka_unit_test(inventory_knows_names),
		cmocka_unit_test(an_exec_closes_files),
		cmocka_unit_test(sites_keep_their_stacks),
		cmocka_unit_test(gaps_overlap_and_add_up),
		cmocka_unit_test(cpus_are_busy_idle_or_unknown),
		cmocka_unit_test(interrupts_are_counted_when_both_ends_are_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
