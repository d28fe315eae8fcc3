/* SPDX-License-Identifier: MIT */
#include "util/test.h"

#include "kernel/tracefs_page.h"

#include <errno.h>
#include <string.h>

/* A page under construction. */
struct builder {
	uint8_t bytes[4096];
	size_t used; /* of the data */
};

static void put_word(struct builder *b, uint32_t word)
{
	memcpy(b->bytes + TRACEFS_PAGE_HEADER_BYTES + b->used, &word, sizeof(word));
	b->used += sizeof(word);
}

static void put_head(struct builder *b, unsigned type, uint32_t delta)
{
	put_word(b, delta << 5 | type);
}

static void finish(struct builder *b, uint64_t time, uint64_t flags)
{
	uint64_t commit = b->used | flags;
	memcpy(b->bytes, &time, sizeof(time));
	memcpy(b->bytes + 8, &commit, sizeof(commit));
}

static void assert_record(struct tracefs_page *page, uint64_t time, uint32_t bytes, uint32_t first)
{
	struct tracefs_record record;
	assert_int_equal(tracefs_page_next(page, &record), 1);
	assert_int_equal(record.time, time);
	assert_int_equal(record.bytes, bytes);
	assert_memory_equal(record.data, &first, sizeof(first));
}

static void test_every_kind_of_record(void **state)
{
	(void)state;
	struct builder b = {0};
	struct tracefs_page page;
	struct tracefs_record record;
	put_head(&b, 2, 10); /* two words, 10 later */
	put_word(&b, 0xa);
	put_word(&b, 0);
	put_head(&b, 30, 5); /* time extend: 3 << 27 | 5 */
	put_word(&b, 3);
	put_head(&b, 0, 1); /* the length in a word, which counts itself */
	put_word(&b, 4 + 6);
	put_word(&b, 0xb);
	put_word(&b, 0);
	put_head(&b, 29, 7); /* a discarded event of 8 bytes in all */
	put_word(&b, 8);
	put_word(&b, 0xdead);
	put_head(&b, 31, 9); /* an absolute stamp */
	put_word(&b, 1 << 10);
	put_head(&b, 1, 2);
	put_word(&b, 0xc);
	put_head(&b, 29, 0); /* nothing more */
	put_word(&b, 0xffffffff);
	finish(&b, 1000, 0);
	assert_int_equal(tracefs_page_open(&page, b.bytes, sizeof(b.bytes)), 0);
	assert_int_equal(page.loss, TRACEFS_LOSS_NONE);
	uint64_t time = 1010;
	assert_record(&page, time, 8, 0xa);
	time += (3ull << 27) + 5 + 1;
	assert_record(&page, time, 6, 0xb);
	time = (1ull << 37) + 9 + 2;
	assert_record(&page, time, 4, 0xc);
	assert_int_equal(tracefs_page_next(&page, &record), 0);
	assert_int_equal(tracefs_page_next(&page, &record), 0);
}

static void test_losses(void **state)
{
	(void)state;
	struct builder b = {0};
	struct tracefs_page page;
	put_head(&b, 1, 2);
	put_word(&b, 0xc);
	finish(&b, 1, 1u << 31);
	assert_int_equal(tracefs_page_open(&page, b.bytes, sizeof(b.bytes)), 0);
	assert_int_equal(page.loss, TRACEFS_LOSS_UNCOUNTED);
	finish(&b, 1, 3u << 30);
	memcpy(b.bytes + 16 + b.used, &(uint64_t){77}, 8);
	assert_int_equal(tracefs_page_open(&page, b.bytes, sizeof(b.bytes)), 0);
	assert_int_equal(page.loss, TRACEFS_LOSS_COUNTED);
	assert_int_equal(page.lost, 77);
	assert_record(&page, 3, 4, 0xc);
	/* No room for the number it claims. */
	assert_int_equal(tracefs_page_open(&page, b.bytes, 16 + b.used + 7), -EINVAL);
}

static void test_contradictions(void **state)
{
	(void)state;
	struct builder b = {0};
	struct tracefs_page page;
	struct tracefs_record record;
	assert_int_equal(tracefs_page_open(&page, b.bytes, 15), -EINVAL);
	put_head(&b, 3, 0);
	put_word(&b, 1);
	finish(&b, 1, 0);
	assert_int_equal(tracefs_page_open(&page, b.bytes, 16 + 7), -EINVAL);
	assert_int_equal(tracefs_page_open(&page, b.bytes, 16 + 8), 0);
	assert_int_equal(tracefs_page_next(&page, &record), -EINVAL);
	assert_int_equal(tracefs_page_next(&page, &record), -EINVAL);
}

/* getppid ten times, 0.2 s of sleep, ten times: entries and exits as Linux 6.18 wrote them. */
static void test_a_kernels_page(void **state)
{
	(void)state;
	uint8_t bytes[4096];
	struct tracefs_page page;
	struct tracefs_record record;
	FILE *file = fopen("tests/fixture/tracefs_page_6.18.bin", "rb");
	assert_non_null(file);
	size_t size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_int_equal(tracefs_page_open(&page, bytes, size), 0);
	uint64_t last = 3780117760807, gap_ns = 0;
	unsigned count = 0;
	int status;
	while ((status = tracefs_page_next(&page, &record)) == 1) {
		uint16_t type;
		int64_t id;
		memcpy(&type, record.data, sizeof(type));
		memcpy(&id, (const uint8_t *)record.data + 8, sizeof(id));
		assert_int_equal(type, count % 2 ? 442 : 443);
		assert_int_equal(id, 110);
		assert_true(record.time >= last);
		if (count)
			gap_ns = record.time - last > gap_ns ? record.time - last : gap_ns;
		last = record.time;
		count++;
	}
	assert_int_equal(status, 0);
	assert_int_equal(count, 40);
	assert_in_range(gap_ns, 200000000, 201000000);
	assert_true(last < 3780317962535);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_of_record),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_a_kernels_page),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
