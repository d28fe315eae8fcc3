/* SPDX-License-Identifier: MIT */
#include "util/test.h"

#include "kernel/perf_ring.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>

enum { RING_BYTES = 256 };

/* Writes a record at a position of the ring, around its end; the next position. */
static uint64_t put(uint8_t *ring, uint64_t at, uint32_t type, const void *body, size_t bytes)
{
	struct perf_event_header header = {.type = type,
					   .size = (uint16_t)(sizeof(header) + bytes)};
	uint8_t record[RING_BYTES];
	memcpy(record, &header, sizeof(header));
	memcpy(record + sizeof(header), body, bytes);
	for (size_t i = 0; i < header.size; i++)
		ring[(at + i) % RING_BYTES] = record[i];
	return at + header.size;
}

struct sample {
	uint64_t time_ns;
	uint32_t bytes;
	uint8_t raw[20];
} __attribute__((packed));

static void test_walk(void **state)
{
	(void)state;
	_Alignas(8) static uint8_t ring[RING_BYTES];
	static struct perf_walk w;
	struct sample sample = {.time_ns = 77, .bytes = 20, .raw = "nineteen characters"};
	struct perf_record record;
	uint64_t start = 5 * RING_BYTES - 24; /* the first record wraps */
	uint64_t at = put(ring, start, PERF_RECORD_SAMPLE, &sample, sizeof(sample));
	at = put(ring, at, PERF_RECORD_LOST, (uint64_t[]){3, 1234}, 16);
	at = put(ring, at, PERF_RECORD_EXIT, (uint64_t[]){0}, 8);
	uint64_t last = at;
	at = put(ring, at, PERF_RECORD_SAMPLE, &sample, sizeof(sample));
	w = (struct perf_walk){.data = ring, .bytes = RING_BYTES, .at = start, .end = at};
	assert_int_equal(perf_walk_next(&w, &record), 1);
	assert_int_equal(record.kind, PERF_SAMPLED);
	assert_int_equal(record.time_ns, 77);
	assert_int_equal(record.raw_bytes, 20);
	assert_string_equal(record.raw, "nineteen characters");
	assert_int_equal(perf_walk_next(&w, &record), 1);
	assert_int_equal(record.kind, PERF_LOSS);
	assert_int_equal(record.lost, 1234);
	assert_int_equal(perf_walk_next(&w, &record), 1);
	assert_int_equal(record.kind, PERF_OTHER);
	assert_int_equal(perf_walk_next(&w, &record), 1);
	assert_int_equal(perf_walk_next(&w, &record), 0);

	/* The oldest record is half overwritten: the walk ends in front of it. */
	w = (struct perf_walk){.data = ring, .bytes = RING_BYTES, .at = last, .end = at - 8};
	assert_int_equal(perf_walk_next(&w, &record), 0);
	assert_int_equal(perf_walk_next(&w, &record), 0);

	/* A sample that says more than its record holds. */
	sample.bytes = 21;
	at = put(ring, 0, PERF_RECORD_SAMPLE, &sample, sizeof(sample));
	w = (struct perf_walk){.data = ring, .bytes = RING_BYTES, .at = 0, .end = at};
	assert_int_equal(perf_walk_next(&w, &record), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_walk)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
