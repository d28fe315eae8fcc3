/* SPDX-License-Identifier: MIT */
#include "util/array.h"
#include "util/err.h"
#include "util/map.h"
#include "util/test.h"
#include "util/text.h"

#include <string.h>

static void err_adds_circumstance_in_front(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(err_set(&e, EINVAL, "bad magic %#x", 0x17), -EINVAL);
	assert_int_equal(err_add(&e, "reading %s", "x"), -EINVAL);
	assert_string_equal(e.text, "reading x: bad magic 0x17");
	errno = ENOENT;
	assert_int_equal(err_errno(&e, "open"), -ENOENT);
	assert_string_equal(e.text, "open: No such file or directory");
}

static void array_grows_and_keeps(void **state)
{
	(void)state;
	ARRAY(int) a = {0};
	for (int i = 0; i < 1000; i++)
		assert_int_equal(array_push(&a, i), 0);
	assert_int_equal(a.count, 1000);
	int sum = 0;
	array_each(item, &a)
		sum += *item;
	assert_int_equal(sum, 499500);
	array_free(&a);
}

/* Each value is there twice but for the odd ones, which are not there. */
static void array_is_searched_by_a_member(void **state)
{
	ARRAY(struct { int value; }) a = {0};
	(void)state;
	assert_int_equal(array_count_below(&a, value, 7), 0);
	for (int i = 0; i < 20; i++) {
		assert_non_null(array_add(&a));
		a.items[i].value = i / 2 * 2;
	}
	for (int value = -1; value < 22; value++) {
		size_t below = 0, to = 0;
		array_each(item, &a) {
			below += item->value < value;
			to += item->value <= value;
		}
		assert_int_equal(array_count_below(&a, value, value), below);
		assert_int_equal(array_count_to(&a, value, value), to);
	}
	array_free(&a);
}

static void numbers_are_whole_and_within_bounds(void **state)
{
	(void)state;
	int64_t number = 0;
	assert_int_equal(text_parse_number("42", 1, 42, &number), 0);
	assert_int_equal(number, 42);
	assert_int_equal(text_parse_number("-7", -7, 0, &number), 0);
	assert_int_equal(number, -7);
	static const char *const wrong[] = {"", "43", "0", "4x", "x", "99999999999999999999"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(text_parse_number(wrong[i], 1, 42, &number), -EINVAL);
	assert_int_equal(number, -7);
}

static void map_agrees_with_a_plain_table(void **state)
{
	(void)state;
	struct map m = {0};
	uint64_t truth[512] = {0};
	uint32_t random = 1;
	for (int i = 0; i < 20000; i++) {
		random = random * 1664525u + 1013904223u;
		uint64_t key = (random >> 8) % 512;
		if (random & 0x80) {
			*map_put(&m, key) = truth[key] = (uint64_t)i + 1;
		} else {
			map_remove(&m, key);
			truth[key] = 0;
		}
	}
	for (uint64_t key = 0; key < 512; key++) {
		uint64_t *value = map_find(&m, key);
		assert_int_equal(value ? *value : 0, truth[key]);
	}
	map_deinit(&m);
}

static void text_parses_what_people_type(void **state)
{
	(void)state;
	unsigned long long n;
	assert_int_equal(text_parse_bytes("4M", &n), 0);
	assert_int_equal(n, 4 << 20);
	assert_int_equal(text_parse_bytes("64kB", &n), 0);
	assert_int_equal(n, 65536);
	assert_int_equal(text_parse_bytes("4X", &n), -EINVAL);
	assert_int_equal(text_parse_bytes("-1", &n), -EINVAL);
	assert_int_equal(text_parse_duration("1.5s", &n), 0);
	assert_int_equal(n, 1500000000);
	assert_int_equal(text_parse_duration("20ms", &n), 0);
	assert_int_equal(n, 20000000);
	assert_int_equal(text_parse_duration("soon", &n), -EINVAL);
	assert_true(text_glob("sched:*", "sched:sched_switch"));
	assert_true(text_glob("*switch", "sched:sched_switch"));
	assert_true(text_glob("s?hed:*_*", "sched:sched_switch"));
	assert_false(text_glob("sched", "sched:sched_switch"));
}

static void text_grows(void **state)
{
	(void)state;
	struct text t = {0};
	for (int i = 0; i < 100; i++)
		text_print(&t, "%03d,", i);
	assert_int_equal(t.bytes, 400);
	assert_memory_equal(t.data + 396, "099,", 5);
	text_deinit(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_adds_circumstance_in_front),
		cmocka_unit_test(array_grows_and_keeps),
		cmocka_unit_test(array_is_searched_by_a_member),
		cmocka_unit_test(numbers_are_whole_and_within_bounds),
		cmocka_unit_test(map_agrees_with_a_plain_table),
		cmocka_unit_test(text_parses_what_people_type),
		cmocka_unit_test(text_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
