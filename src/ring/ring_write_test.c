/* SPDX-License-Identifier: MIT */
#include "ring/ring_read.h"
#include "ring/ring_write.h"
#include "util/test.h"

#include <stdlib.h>
#include <string.h>

enum { RING_BYTES = 4096, SUBBUF_BYTES = 512, LANES = 2 };

/* Lanes alone, one thread: what is written is predictable to the byte. */
struct bed {
	struct ring_share *share;
	struct ring_view view;
	struct ring_writer writer;
	struct ring_thread thread;
	uint64_t bytes;
};

static uint64_t now;
static uint32_t generation = 1;

static uint64_t tick(void)
{
	return ++now;
}

static int bed_start(void **state, uint32_t flags)
{
	struct bed *b = calloc(1, sizeof(*b));
	b->bytes = ring_share_bytes(1 + LANES, RING_BYTES);
	b->share = calloc(1, b->bytes);
	*b->share = (struct ring_share){.magic = RING_SHARE_MAGIC,
					.version = RING_SHARE_VERSION,
					.flags = flags,
					.cpus = 1,
					.lanes = LANES,
					.ring_bytes = RING_BYTES,
					.subbuf_bytes = SUBBUF_BYTES,
					.cpu_stream = 3,
					.lane_stream = 4};
	ring_share_start(b->share);
	ring_writer_init(&b->writer, b->share, b->share, tick);
	b->thread = (struct ring_thread){&b->writer, 7ull << 32 | 8, &ring_no_rseq, generation, 16};
	*state = b;
	return !ring_view_init(&b->view, b->share, b->bytes);
}

static int overwriting(void **state)
{
	return bed_start(state, RING_OVERWRITE);
}

static int discarding(void **state)
{
	return bed_start(state, 0);
}

static int bed_end(void **state)
{
	struct bed *b = *state;
	free(b->share);
	free(b);
	return 0;
}

static enum ring_status put(struct bed *b, uint64_t value)
{
	uint64_t payload[2] = {value};
	uint16_t id = RING_ID_FIRST;
	return ring_write(&b->thread, &generation, &id, payload, sizeof(payload[0]));
}

/* The line of the lane that thread 8 takes first. */
static uint32_t own_line(void)
{
	return 1 + 8 % LANES;
}

/* Counts whole and open events of the lane; the last value in `*last_ret`. */
static unsigned count(struct bed *b, uint64_t *last_ret)
{
	uint64_t first, open, open_bytes, copy[SUBBUF_BYTES / 8];
	unsigned events = 0;
	ring_view_span(&b->view, own_line(), &first, &open, &open_bytes);
	for (uint64_t n = first; n <= open; n++) {
		uint64_t bytes =
			ring_view_copy(&b->view, own_line(), n, n == open ? open_bytes : 0, copy);
		assert_true(bytes);
		for (uint64_t at = sizeof(struct ring_packet); at < bytes; at += 16) {
			events += (uint16_t)copy[at / 8] == RING_ID_FIRST;
			*last_ret = copy[at / 8 + 1];
		}
	}
	return events;
}

static void an_event_comes_back_behind_the_word_whose_it_is(void **state)
{
	struct bed *b = *state;
	uint64_t first, open, open_bytes, copy[SUBBUF_BYTES / 8];
	assert_int_equal(put(b, 0x1234), RING_DONE);
	ring_view_span(&b->view, own_line(), &first, &open, &open_bytes);
	assert_int_equal(first, open);
	assert_int_equal(open_bytes, 80 + 16 + 16);
	assert_int_equal(ring_view_copy(&b->view, own_line(), open, open_bytes, copy), open_bytes);
	struct ring_thread_event whose;
	memcpy(&whose, &copy[11], sizeof(whose));
	assert_int_equal((uint16_t)copy[10], RING_ID_THREAD);
	assert_int_equal(whose.pid, 7);
	assert_int_equal(whose.tid, 8);
	assert_int_equal((uint16_t)copy[12], RING_ID_FIRST);
	assert_int_equal(copy[13], 0x1234);
	assert_int_equal(((struct ring_packet *)copy)->stream_id, 4);
}

static void an_overwriting_ring_keeps_the_newest(void **state)
{
	struct bed *b = *state;
	uint64_t last;
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(put(b, i), RING_DONE);
	unsigned kept = count(b, &last);
	assert_int_equal(last, 999);
	assert_true(kept >= 5 * 25 && kept <= 8 * 27);
	assert_int_equal(ring_view_lost(&b->view), 0);
}

static void a_full_ring_counts_each_event_it_loses(void **state)
{
	struct bed *b = *state;
	uint64_t last, done = 0, first, open, open_bytes;
	for (uint64_t i = 0; i < 1000; i++)
		done += put(b, i) == RING_DONE;
	assert_int_equal(count(b, &last), done);
	assert_int_equal(ring_view_lost(&b->view), 1000 - done);
	ring_view_span(&b->view, own_line(), &first, &open, &open_bytes);
	ring_view_drained(&b->view, own_line(), open);
	assert_int_equal(put(b, 5), RING_DONE);
}

static void a_frozen_ring_stops_at_its_sub_buffers_end(void **state)
{
	struct bed *b = *state;
	unsigned done = 0;
	put(b, 0);
	b->share->frozen = 1;
	while (put(b, done) == RING_DONE)
		done++;
	assert_true(done < SUBBUF_BYTES / 16);
	b->share->frozen = 0;
	assert_int_equal(put(b, 0), RING_DONE);
	assert_int_equal(ring_view_lost(&b->view), 1);
}

static void a_held_lane_is_passed_over_and_all_held_is_busy(void **state)
{
	struct bed *b = *state;
	struct ring_line *lanes = b->writer.lines + 1;
	lanes[0].lock = 99;
	assert_int_equal(put(b, 1), RING_DONE);
	lanes[1].lock = 98;
	assert_int_equal(put(b, 2), RING_BUSY);
	assert_int_equal(ring_lane_holder(&b->writer, 1), 98);
	ring_lane_free(&b->writer, 1, 98);
	assert_int_equal(put(b, 3), RING_DONE);
}

static void who_is_stale_off_or_too_large_writes_nothing(void **state)
{
	struct bed *b = *state;
	uint16_t off = 0, on = RING_ID_FIRST;
	uint64_t payload[SUBBUF_BYTES / 8] = {0};
	assert_int_equal(ring_write(&b->thread, &generation, &off, payload, 8), RING_OFF);
	assert_int_equal(ring_write(&b->thread, &generation, &on, payload, sizeof(payload)),
			 RING_LOST);
	b->thread.generation++;
	assert_int_equal(put(b, 1), RING_STALE);
}

static void an_event_that_triggers_freezes_the_rings_behind_it(void **state)
{
	struct bed *b = *state;
	uint16_t id = RING_ID_FIRST | RING_ID_TRIGGER;
	uint64_t payload[2] = {5}, last;
	assert_int_equal(ring_write(&b->thread, &generation, &id, payload, 8), RING_DONE);
	assert_int_equal(b->share->trigger, 1);
	assert_int_equal(b->share->frozen, 1);
	assert_int_equal(count(b, &last), 1);
}

static void a_description_has_one_id(void **state)
{
	struct bed *b = *state;
	uint32_t bytes;
	int a = ring_share_id(b->share, 5, "five", 5);
	int c = ring_share_id(b->share, 5 + RING_KINDS_MAX - RING_ID_FIRST, "other", 6);
	assert_true(a >= RING_ID_FIRST && c >= RING_ID_FIRST && a != c);
	assert_int_equal(ring_share_id(b->share, 5, "five", 5), a);
	assert_string_equal(ring_view_kind(&b->view, (uint32_t)c, &bytes), "other");
	assert_int_equal(bytes, 6);
	assert_null(ring_view_kind(&b->view, (uint32_t)c + 1, &bytes));
	for (uint64_t i = 0; i < RING_KINDS_MAX; i++)
		ring_share_id(b->share, 1000 + i, "", 1);
	assert_int_equal(ring_share_id(b->share, 999999, "", 1), -1);
}

static void what_is_no_file_of_rings_is_refused(void **state)
{
	struct bed *b = *state;
	struct ring_view view;
	assert_false(ring_view_init(&view, b->share, b->bytes - 1));
	b->share->subbuf_bytes = 3000;
	assert_false(ring_view_init(&view, b->share, b->bytes));
	b->share->subbuf_bytes = SUBBUF_BYTES;
	b->share->cpus = 0xffffffff;
	assert_false(ring_view_init(&view, b->share, b->bytes));
}

int main(void)
{
#define ON(test) cmocka_unit_test_setup_teardown(test, overwriting, bed_end)
	const struct CMUnitTest tests[] = {
		ON(an_event_comes_back_behind_the_word_whose_it_is),
		ON(an_overwriting_ring_keeps_the_newest),
		cmocka_unit_test_setup_teardown(a_full_ring_counts_each_event_it_loses, discarding,
						bed_end),
		ON(a_frozen_ring_stops_at_its_sub_buffers_end),
		ON(a_held_lane_is_passed_over_and_all_held_is_busy),
		ON(who_is_stale_off_or_too_large_writes_nothing),
		ON(an_event_that_triggers_freezes_the_rings_behind_it),
		ON(a_description_has_one_id),
		ON(what_is_no_file_of_rings_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
