/* SPDX-License-Identifier: MIT */
#include "event/filter.h"
#include "event/merge.h"
#include "event/print.h"
#include "event/script.h"
#include "util/test.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct source *script(const char *text)
{
	struct source *s = NULL;
	struct err e = {0};
	if (script_open(&s, text, &e))
		fail_msg("%s", e.text);
	return s;
}

static struct source *merged(struct source *const *sources, size_t count)
{
	struct source *s = NULL;
	assert_int_equal(merge_open(&s, sources, count, NULL), 0);
	return s;
}

/* The names of all events, with blanks between. */
static const char *names(struct source *s)
{
	static char text[4096];
	struct event e;
	text[0] = 0;
	while (source_next(s, &e, NULL) > 0) {
		strcat(text, e.type->name);
		strcat(text, " ");
	}
	source_close(s);
	return text;
}

static void events_come_in_the_order_of_time(void **state)
{
	(void)state;
	struct source *sources[] = {script("1 a\n4 b\n5 c\n9 d\n"), script(""),
				    script("2 e\n3 f\n9 g\n"), script("0 h\n9 i\n10 j\n")};
	assert_string_equal(names(merged(sources, 4)), "h a e f b c d g i j ");
	assert_string_equal(names(merged(NULL, 0)), "");
	struct source *one[] = {script("1 a\n1 b\n")};
	assert_string_equal(names(merged(one, 1)), "a b ");
}

/* Against sorting: many sources, many equal times. */
static void a_merge_agrees_with_a_sort(void **state)
{
	(void)state;
	enum { SOURCES = 9, EVENTS = 200 };
	struct source *sources[SOURCES];
	static unsigned counts[64];
	uint32_t random = 7;
	memset(counts, 0, sizeof(counts));
	for (int i = 0; i < SOURCES; i++) {
		char text[EVENTS * 32] = "";
		unsigned time = 0;
		for (int n = 0; n < EVENTS && time < 63; n++) {
			random = random * 1664525u + 1013904223u;
			time += (random >> 24) % 5 / 4;
			snprintf(text + strlen(text), 32, "%u cpu%d e\n", time, i);
			counts[time]++;
		}
		sources[i] = script(text);
	}
	struct source *s = merged(sources, SOURCES);
	struct event e, last = {.cpu = -1};
	while (source_next(s, &e, NULL) > 0) {
		assert_true(e.time_ns > last.time_ns ||
			    (e.time_ns == last.time_ns && e.cpu >= last.cpu));
		counts[e.time_ns]--;
		last = e;
	}
	for (int i = 0; i < 64; i++)
		assert_int_equal(counts[i], 0);
	source_close(s);
}

static int failing_next(struct source *s, struct event *ret, struct err *e)
{
	(void)s;
	(void)ret;
	return err_set(e, EIO, "broken");
}

static void failing_close(struct source *s)
{
	(void)s;
}

static void an_error_ends_the_merge(void **state)
{
	(void)state;
	struct source failing = {failing_next, failing_close};
	struct source *sources[] = {script("1 a\n"), &failing};
	struct source *s = merged(sources, 2);
	struct event event;
	struct err e;
	assert_int_equal(source_next(s, &event, &e), -EIO);
	assert_int_equal(source_next(s, &event, &e), 0);
	source_close(s);
}

static struct source *filtered(struct filter f)
{
	struct source *s = NULL;
	struct source *all = script("1 cpu0 tid5 sched_switch prev_tid=5 next_tid=6\n"
				    "2 cpu0 sched_waking tid=9\n"
				    "3 cpu1 tid7 irq_handler_entry irq=1\n"
				    "4 cpu1 tid-1 lost_events count=3 begin=1 packets=0\n"
				    "5 cpu0 tid5 last\n");
	assert_int_equal(filter_open(&s, all, &f, NULL), 0);
	return s;
}

static void a_filter_lets_through_what_was_asked_for(void **state)
{
	(void)state;
	static const char *const sched[] = {"sched_*", "last"};
	struct filter f = {.to_ns = UINT64_MAX, .cpu = FILTER_ANY, .tid = FILTER_ANY};
	assert_string_equal(names(filtered(f)),
			    "sched_switch sched_waking irq_handler_entry lost_events last ");
	f.globs = sched;
	f.glob_count = 2;
	assert_string_equal(names(filtered(f)), "sched_switch sched_waking lost_events last ");
	f.glob_count = 0;
	f.from_ns = 2;
	f.to_ns = 3;
	assert_string_equal(names(filtered(f)), "sched_waking irq_handler_entry ");
	f.from_ns = 0;
	f.to_ns = UINT64_MAX;
	f.tid = 6;
	assert_string_equal(names(filtered(f)), "sched_waking lost_events ");
	f.tid = FILTER_ANY;
	f.cpu = 1;
	assert_string_equal(names(filtered(f)), "irq_handler_entry lost_events ");
}

static void lines_are_printed_whole(void **state)
{
	(void)state;
	struct source *s =
		script("1500ms cpu2 tid77 odd n=-9223372036854775808 text='a\\b' w=[1 0xff] z=0\n"
		       "18446744073709551615 cpu100 tid-1 e n=18446744073709551615\n");
	int pipe_fds[2];
	struct print *p = NULL;
	struct out o;
	struct event e;
	char got[1024] = "";
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(out_init(&o, pipe_fds[1]), 0);
	assert_int_equal(print_create(&p, NULL), 0);
	while (source_next(s, &e, NULL) > 0)
		print_text(p, &o, &e);
	out_flush(&o);
	assert_int_equal(o.error, 0);
	assert_true(read(pipe_fds[0], got, sizeof(got) - 1) > 0);
	assert_string_equal(got, "[    1.500000000] cpu2  tid 77       odd  n=-9223372036854775808 "
				 "text=\"a\\\\b\" _w_length=2 w=[0x1, 0xff] z=0\n"
				 "[18446744073.709551615] cpu100 tid ?        e  n=-1\n");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	print_destroy(p);
	out_deinit(&o);
	source_close(s);
}

static void numbers_have_all_their_digits(void **state)
{
	(void)state;
	struct out o;
	assert_int_equal(out_init(&o, -1), 0);
	for (uint64_t power = 1, more = 1; more; more = power <= UINT64_MAX / 10, power *= 10) {
		for (int step = -1; step <= 1; step++) {
			char truth[32];
			uint64_t value = power + (uint64_t)step;
			snprintf(truth, sizeof(truth), "%llu", (unsigned long long)value);
			o.at = o.start;
			out_uint(&o, value);
			*o.at = 0;
			assert_string_equal(o.start, truth);
			snprintf(truth, sizeof(truth), "%#llx", (unsigned long long)value);
			o.at = o.start;
			out_hex(&o, value);
			*o.at = 0;
			if (value)
				assert_string_equal(o.start, truth);
		}
		if (power > UINT64_MAX / 10)
			break;
	}
	out_deinit(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_in_the_order_of_time),
		cmocka_unit_test(a_merge_agrees_with_a_sort),
		cmocka_unit_test(an_error_ends_the_merge),
		cmocka_unit_test(a_filter_lets_through_what_was_asked_for),
		cmocka_unit_test(lines_are_printed_whole),
		cmocka_unit_test(numbers_have_all_their_digits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
