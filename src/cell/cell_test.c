/* SPDX-License-Identifier: MIT */
#include "util/test.h"
#include "cell/cell_read.h"

#include <pthread.h>
#include <string.h>

enum { COUNT, HIST, TIME, CELLS, LINES = 4, SLOTS = 32, THREADS = 4, ROUNDS = 20000 };

static const struct cell_plan plans[CELLS] = {
	{CELL_COUNT, SLOTS}, {CELL_HIST, 0}, {CELL_TIME, SLOTS}};

struct bed {
	struct cell_share *share;
	uint64_t bytes;
	struct cell_view view;
};

static int bed_start(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));
	b->bytes = cell_share_bytes(plans, CELLS, LINES);
	b->share = calloc(1, b->bytes);
	cell_share_start(b->share, plans, CELLS, LINES);
	*state = b;
	return !cell_view_init(&b->view, b->share, b->bytes);
}

static int bed_end(void **state)
{
	struct bed *b = *state;
	free(b->share);
	free(b);
	return 0;
}

static void counts_come_back_by_key(void **state)
{
	struct bed *b = *state;
	struct cell_key_slot found;
	uint64_t sums[4] = {0};
	for (uint32_t i = 0; i < 100; i++)
		cell_count(&b->share->cells[COUNT], i % 4);
	for (uint32_t slot = 0; cell_view_next(&b->view, COUNT, &slot, &found);)
		sums[found.key] += found.count;
	sums[0] = cell_view_count(&b->view, COUNT);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(sums[i], 25);
	assert_int_equal(cell_view_lost(&b->view, COUNT), 0);
}

static void keys_without_room_are_counted_as_lost(void **state)
{
	struct bed *b = *state;
	struct cell_key_slot found;
	uint64_t kept = 0;
	for (uint64_t key = 1; key <= 100; key++)
		cell_count(&b->share->cells[COUNT], key << 40);
	for (uint32_t slot = 0; cell_view_next(&b->view, COUNT, &slot, &found);)
		kept += found.count;
	assert_true(kept >= CELL_TRIES && kept <= SLOTS);
	assert_int_equal(kept + cell_view_lost(&b->view, COUNT), 100);
}

static void sizes_fall_into_their_buckets(void **state)
{
	struct bed *b = *state;
	static const uint64_t values[] = {0, 1, 2, 3, 4, 1023, 1024, UINT64_MAX};
	struct cell_hist hist;
	for (uint32_t i = 0; i < 8; i++)
		cell_hist(&b->share->cells[HIST], i, values[i]);
	cell_view_hist(&b->view, HIST, &hist);
	assert_int_equal(hist.buckets[0], 1);
	assert_int_equal(hist.buckets[2], 2);
	assert_int_equal(hist.buckets[10], 1);
	assert_int_equal(hist.buckets[11], 1);
	assert_int_equal(hist.buckets[64], 1);
	assert_true(hist.sum == 0 + 1 + 2 + 3 + 4 + 1023 + 1024 + UINT64_MAX);
}

static void a_frame_is_timed_by_its_thread_alone(void **state)
{
	struct bed *b = *state;
	struct cell *c = &b->share->cells[TIME];
	uint64_t ticks = 0;
	cell_enter(c, 7, 0x1000, 100);
	cell_enter(c, 7, 0x2000, 150);
	cell_enter(c, 8, 0x1000, 170);
	assert_int_equal(cell_view_open(&b->view, TIME), 3);
	assert_true(cell_leave(c, 7, 0x2000, 160, &ticks));
	assert_int_equal(ticks, 10);
	assert_true(cell_leave(c, 7, 0x1000, 190, &ticks));
	assert_int_equal(ticks, 90);
	assert_false(cell_leave(c, 7, 0x1000, 190, &ticks));
	cell_enter(c, 8, 0x1000, 200); /* left without being told: by an exception */
	assert_true(cell_leave(c, 8, 0x1000, 201, &ticks));
	assert_int_equal(ticks, 1);
	assert_int_equal(cell_view_open(&b->view, TIME), 0);
}

static void frames_without_room_are_counted_as_lost(void **state)
{
	struct bed *b = *state;
	uint64_t ticks, left = 0;
	for (uint64_t frame = 1; frame <= 100; frame++)
		cell_enter(&b->share->cells[TIME], 7, frame * 64, frame);
	for (uint64_t frame = 1; frame <= 100; frame++) {
		bool found = cell_leave(&b->share->cells[TIME], 7, frame * 64, 100, &ticks);
		left += found;
		assert_true(!found || ticks == 100 - frame);
	}
	assert_true(left >= CELL_WAYS);
	assert_int_equal(left + cell_view_lost(&b->view, TIME), 100);
}

struct worker {
	struct bed *b;
	uint32_t tid;
};

static void *work(void *argument)
{
	struct worker *w = argument;
	struct cell *cells = w->b->share->cells;
	uint64_t ticks, wrong = 0;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		cell_count(&cells[COUNT], i % 3);
		cell_enter(&cells[TIME], w->tid, 0x5000, i);
		if (!cell_leave(&cells[TIME], w->tid, 0x5000, i + w->tid, &ticks) ||
		    ticks != w->tid)
			wrong++;
		cell_hist(&cells[HIST], i, 1);
	}
	return (void *)wrong;
}

static void threads_at_once_lose_nothing(void **state)
{
	struct bed *b = *state;
	pthread_t threads[THREADS];
	struct worker workers[THREADS];
	struct cell_key_slot found;
	struct cell_hist hist;
	for (uint32_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){b, i + 1};
		pthread_create(&threads[i], NULL, work, &workers[i]);
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		void *wrong;
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	uint64_t sum = cell_view_count(&b->view, COUNT);
	for (uint32_t slot = 0; cell_view_next(&b->view, COUNT, &slot, &found);)
		sum += found.count;
	cell_view_hist(&b->view, HIST, &hist);
	assert_int_equal(sum, THREADS * ROUNDS);
	assert_int_equal(hist.buckets[1], THREADS * ROUNDS);
	assert_int_equal(cell_view_open(&b->view, TIME), 0);
}

static void what_are_no_cells_is_refused(void **state)
{
	struct bed *b = *state;
	struct cell_view *v = &b->view;
	assert_false(cell_view_init(v, b->share, b->bytes - 1));
	struct cell *c = &b->share->cells[TIME];
	struct cell whole = *c;
	c->slot_mask = 0xffff;
	assert_false(cell_view_init(v, b->share, b->bytes));
	*c = whole;
	c->slots_at = -8ull;
	assert_false(cell_view_init(v, b->share, b->bytes));
	*c = whole;
	c->kind = 9;
	assert_false(cell_view_init(v, b->share, b->bytes));
	*c = whole;
	b->share->count = CELL_MAX + 1;
	assert_false(cell_view_init(v, b->share, b->bytes));
	b->share->count = CELLS;
	assert_true(cell_view_init(v, b->share, b->bytes));
	struct cell_plan odd = {CELL_COUNT, 33};
	assert_int_equal(cell_share_bytes(&odd, 1, LINES), 0);
	assert_int_equal(cell_share_bytes(plans, CELLS, 3), 0);
}

int main(void)
{
#define CELL_TEST(test) cmocka_unit_test_setup_teardown(test, bed_start, bed_end)
	const struct CMUnitTest tests[] = {
		CELL_TEST(counts_come_back_by_key),
		CELL_TEST(keys_without_room_are_counted_as_lost),
		CELL_TEST(sizes_fall_into_their_buckets),
		CELL_TEST(a_frame_is_timed_by_its_thread_alone),
		CELL_TEST(frames_without_room_are_counted_as_lost),
		CELL_TEST(threads_at_once_lose_nothing),
		CELL_TEST(what_are_no_cells_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
