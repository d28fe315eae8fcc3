/* SPDX-License-Identifier: MIT */
#include "util/json.h"
#include "util/test.h"
#include "util/utf8.h"

#include <math.h>
#include <string.h>

static void json_is_what_was_said(void **state)
{
	(void)state;
	struct text t = {0};
	struct json j = {.out = &t, .compact = true};
	json_open(&j, NULL, '{');
	json_uint(&j, "most", UINT64_MAX);
	json_int(&j, "least", INT64_MIN);
	json_open(&j, "list", '[');
	json_string(&j, NULL, "a\"\\\n\x01\xff\xc3\xa9");
	json_real(&j, NULL, 0.5);
	json_real(&j, NULL, NAN);
	json_open(&j, NULL, '{');
	json_close(&j);
	json_close(&j);
	json_bool(&j, "yes", true);
	json_string(&j, "none", NULL);
	json_close(&j);
	assert_string_equal(t.data, "{\"most\":18446744073709551615,\"least\":-9223372036854775808,"
				    "\"list\":[\"a\\\"\\\\\\u000a\\u0001\xef\xbf\xbd\xc3\xa9\",0.5,"
				    "null,{}],\"yes\":true,\"none\":null}\n");
	text_deinit(&t);
}

static void json_is_indented_for_people(void **state)
{
	(void)state;
	struct text t = {0};
	struct json j = {.out = &t};
	json_open(&j, NULL, '{');
	json_open(&j, "empty", '[');
	json_close(&j);
	json_open(&j, "one", '[');
	json_uint(&j, NULL, 1);
	json_close(&j);
	json_close(&j);
	assert_string_equal(t.data, "{\n\t\"empty\": [],\n\t\"one\": [\n\t\t1\n\t]\n}\n");
	text_deinit(&t);
}

static void json_too_deep_fails_and_stays_inside(void **state)
{
	(void)state;
	struct text t = {0};
	struct json j = {.out = &t};
	for (int i = 0; i < 100; i++)
		json_open(&j, NULL, '[');
	for (int i = 0; i < 100; i++)
		json_close(&j);
	assert_true(t.failed);
	text_deinit(&t);
}

static void utf8_is_measured(void **state)
{
	(void)state;
	assert_int_equal(utf8_width("µs", 3), 2);
	assert_int_equal(utf8_width("日本", 6), 4);
	assert_int_equal(utf8_width("e\xcc\x81", 3), 1);
	assert_int_equal(utf8_width("\xff\xfe", 2), 2);
	assert_int_equal(utf8_fit("µµµ", 6, 2), 4);
	assert_int_equal(utf8_fit("日本", 6, 3), 3);
	assert_int_equal(utf8_length("\xc0\x80", 2), 0); /* overlong */
	assert_int_equal(utf8_length("\xed\x9f\xbf", 3), 3);
	assert_int_equal(utf8_length("\xed\xa0\x80", 3), 0); /* surrogate */
	assert_int_equal(utf8_length("\xee\x80\x80", 3), 3);
	assert_int_equal(utf8_length("\xf4\x8f\xbf\xbf", 4), 4); /* the last one */
	assert_int_equal(utf8_length("\xf4\x90\x80\x80", 4), 0);
	assert_int_equal(utf8_length("\xe2\x82", 2), 0); /* cut */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_what_was_said),
		cmocka_unit_test(json_is_indented_for_people),
		cmocka_unit_test(json_too_deep_fails_and_stays_inside),
		cmocka_unit_test(utf8_is_measured),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
