/* SPDX-License-Identifier: MIT */
#include "util/test.h"

#include "event/script.h"
#include "event/watch.h"

static const char script[] = "10us cpu0 tid7 ask n=1\n"
			     "12us cpu0 tid7 other n=1\n"
			     "15us cpu1 tid8 answer n=1\n"
			     "20us cpu0 tid7 ask n=2\n"
			     "21us cpu0 tid9 ask n=3\n"
			     "50us cpu1 tid9 answer n=2\n"
			     "60us cpu1 tid8 answer n=3\n";

static struct watch_interval longest(const char *from, const char *to, int32_t tid,
				     uint64_t begin_us, uint64_t end_us)
{
	struct watch w = {.from = from, .to = to};
	struct watch_interval found;
	struct source *source;
	struct event event;
	struct err e = {0};
	unsigned events = 0;
	assert_int_equal(script_open(&source, script, &e), 0);
	assert_int_equal(watch_open(&source, source, &w, &e), 0);
	while (source_next(source, &event, &e) > 0)
		events++;
	assert_int_equal(events, 7);
	bool any = watch_longest(&w, begin_us * 1000, end_us * 1000, tid, &found);
	assert_int_equal(any, found.count > 0);
	source_close(source);
	watch_deinit(&w);
	return found;
}

static void expect(struct watch_interval found, uint64_t from_us, uint64_t to_us, int32_t tid,
		   size_t count)
{
	assert_int_equal(found.from_ns, from_us * 1000);
	assert_int_equal(found.to_ns, to_us * 1000);
	assert_int_equal(found.tid, tid);
	assert_int_equal(found.count, count);
}

static void intervals_go_from_one_event_to_the_next_of_the_other(void **state)
{
	(void)state;
	expect(longest("ask", "answer", 0, 0, 100), 20, 50, 9, 2);
	expect(longest("a*", "answer", 0, 0, 100), 15, 50, 9, 3);
}

static void a_thread_has_its_own(void **state)
{
	(void)state;
	expect(longest("ask", "answer", 9, 0, 100), 21, 50, 9, 1);
	/* It never asked: whoever did began what it ended. */
	expect(longest("ask", "answer", 8, 0, 100), 20, 60, 8, 2);
}

static void an_end_without_a_name_is_the_recordings(void **state)
{
	(void)state;
	expect(longest(NULL, "answer", 0, 0, 100), 0, 15, 8, 1);
	expect(longest("ask", NULL, 0, 0, 100), 10, 100, 7, 1);
}

static void what_lies_outside_does_not_count(void **state)
{
	(void)state;
	expect(longest("ask", "answer", 0, 0, 18), 10, 15, 8, 1);
	assert_int_equal(longest("ask", "answer", 0, 55, 100).count, 0);
	assert_int_equal(longest("nothing", "answer", 0, 0, 100).count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals_go_from_one_event_to_the_next_of_the_other),
		cmocka_unit_test(a_thread_has_its_own),
		cmocka_unit_test(an_end_without_a_name_is_the_recordings),
		cmocka_unit_test(what_lies_outside_does_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
