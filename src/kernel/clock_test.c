/* SPDX-License-Identifier: MIT */
#include "kernel/clock.h"
#include "util/test.h"

#include <string.h>
#include <time.h>

enum { BRACKETS = 4000, ANCHORS = 5, TRIES = 64 };

struct bracket {
	uint64_t before, monotonic_ns, after; /* the first and last are counter values */
};

static struct bracket brackets[BRACKETS];
static double residual_ns[BRACKETS];

static void take_brackets(struct bracket *at, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct timespec t, pause = {0, 20000};
		at[i].before = clock_tsc();
		clock_gettime(CLOCK_MONOTONIC, &t);
		at[i].after = clock_tsc();
		at[i].monotonic_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
		if (i % 8 == 0)
			nanosleep(&pause, NULL);
	}
}

static int double_order(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return a < b ? -1 : a > b;
}

/* A clock read between two counter reads lies between their converted times, error included. */
static void brackets_hold(void **state)
{
	(void)state;
	struct err e = {0};
	if (clock_check(&e)) {
		print_message("%s\n", e.text);
		skip();
	}
	struct clock_line line = {0};
	struct clock_anchor anchor;
	for (size_t i = 0; i < ANCHORS; i++) {
		clock_anchor_take(&anchor, TRIES, true);
		assert_int_equal(clock_line_add(&line, &anchor), 0);
		if (i + 1 < ANCHORS)
			take_brackets(brackets + i * (BRACKETS / (ANCHORS - 1)),
				      BRACKETS / (ANCHORS - 1));
	}
	assert_int_equal(line.anchors.count, ANCHORS);
	size_t outside = 0;
	uint64_t error_max = 0;
	for (size_t i = 0; i < BRACKETS; i++) {
		uint64_t low, high, low_error, high_error;
		const struct bracket *b = &brackets[i];
		assert_true(clock_line_find(&line, b->before, &low, &low_error));
		assert_true(clock_line_find(&line, b->after, &high, &high_error));
		outside += b->monotonic_ns + low_error < low || b->monotonic_ns > high + high_error;
		double middle = (double)low + (double)(high - low) / 2;
		residual_ns[i] = (double)b->monotonic_ns - middle;
		if (residual_ns[i] < 0)
			residual_ns[i] = -residual_ns[i];
		if (low_error > error_max)
			error_max = low_error;
	}
	qsort(residual_ns, BRACKETS, sizeof(residual_ns[0]), double_order);
	print_message("residual p50 %.0f ns, p99 %.0f ns; stated error at most %llu ns\n",
		      residual_ns[BRACKETS / 2], residual_ns[BRACKETS * 99 / 100],
		      (unsigned long long)error_max);
	assert_int_equal(outside, 0);
	assert_true(error_max < 10000);
	clock_line_deinit(&line);
}

/* Two rates, as when NTP slews: each piece by its own, the error says how much they differ. */
static void pieces_have_their_own_rate(void **state)
{
	(void)state;
	struct clock_line line = {0};
	const struct clock_anchor anchors[] = {
		{.tsc = 1000, .monotonic_ns = 5000, .window_ns = 20},
		{.tsc = 3000, .monotonic_ns = 6000, .window_ns = 40},
		{.tsc = 5000, .monotonic_ns = 7100, .window_ns = 20}};
	uint64_t ns, error_ns;
	assert_false(clock_line_find(&line, 1, &ns, &error_ns));
	for (size_t i = 0; i < 3; i++)
		clock_line_add(&line, &anchors[i]);
	/* Not in order by either clock: left out. */
	clock_line_add(&line, &anchors[1]);
	clock_line_add(&line, &(struct clock_anchor){.tsc = 6000, .monotonic_ns = 7100});
	clock_line_add(&line, &(struct clock_anchor){.tsc = 5000, .monotonic_ns = 8000});
	assert_int_equal(line.anchors.count, 3);
	static const struct {
		uint64_t tsc, ns, error_ns;
	} cases[] = {{1000, 5000, 46},
		     {2000, 5500, 46},
		     {4000, 6550, 46},
		     {6000, 7650, 92},
		     {0, 4500, 91}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(clock_line_find(&line, cases[i].tsc, &ns, &error_ns));
		assert_int_equal(ns, cases[i].ns);
		assert_in_range(error_ns, cases[i].error_ns - 2, cases[i].error_ns + 2);
	}
	clock_line_deinit(&line);
}

static void anchor_is_one_moment(void **state)
{
	(void)state;
	struct clock_anchor anchor;
	struct timespec before, after;
	clock_gettime(CLOCK_REALTIME, &before);
	clock_anchor_take(&anchor, TRIES, false);
	clock_gettime(CLOCK_REALTIME, &after);
	assert_int_equal(anchor.tsc, anchor.monotonic_ns);
	assert_int_equal(anchor.window_ns, 0);
	assert_in_range(anchor.realtime_ns,
			(uint64_t)before.tv_sec * 1000000000 + (uint64_t)before.tv_nsec - 1000,
			(uint64_t)after.tv_sec * 1000000000 + (uint64_t)after.tv_nsec);
}

static void says_why_a_counter_is_not_used(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(clock_judge("flags : tsc constant_tsc nonstop_tsc\n", "tsc", &e), 0);
	assert_int_equal(clock_judge("flags : constant_tsc nonstop_tsc_x\n", "tsc", &e), -ENOTSUP);
	assert_non_null(strstr(e.text, "is not nonstop_tsc"));
	assert_int_equal(clock_judge("constant_tsc nonstop_tsc", "hpet", &e), -ENOTSUP);
	assert_non_null(strstr(e.text, "the kernel keeps time by 'hpet'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brackets_hold),
		cmocka_unit_test(pieces_have_their_own_rate),
		cmocka_unit_test(anchor_is_one_moment),
		cmocka_unit_test(says_why_a_counter_is_not_used),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
