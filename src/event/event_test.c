/* SPDX-License-Identifier: MIT */
#include "event/script.h"
#include "event/walk.h"
#include "util/test.h"

#include <string.h>

static struct source *open_script(const char *text)
{
	struct source *s = NULL;
	struct err e = {0};
	if (script_open(&s, text, &e))
		fail_msg("%s", e.text);
	return s;
}

static void fields_are_found_by_number(void **state)
{
	(void)state;
	struct source *s = open_script(
		"# who ran\n"
		"10us cpu2 tid7 sched_switch prev_pid=7 next_pid=8 prev_state=1 prev_comm='my sh'\n"
		"11us sched_waking tid=-9 target_cpu=3\n"
		"12us cairn_site site=1 count=2 ips=[0x401000 0x402000] pid=5\n"
		"12us cpu0 tid3 my:own note=text\n");
	struct event e;
	size_t bytes;
	assert_int_equal(source_next(s, &e, NULL), 1);
	assert_int_equal(e.time_ns, 10000);
	assert_int_equal(e.cpu, 2);
	assert_int_equal(e.tid, 7);
	assert_int_equal(e.type->kind, EVENT_SCHED_SWITCH);
	assert_int_equal(event_int(&e, SWITCH_PREV_TID), 7);
	assert_int_equal(event_int(&e, SWITCH_NEXT_TID), 8);
	assert_false(event_has(&e, SWITCH_PREV_SITE));
	assert_int_equal(event_uint(&e, SWITCH_PREV_SITE), 0);
	const char *comm = event_text(&e, SWITCH_PREV_COMM, &bytes);
	assert_int_equal(bytes, 5);
	assert_memory_equal(comm, "my sh", 5);

	assert_int_equal(source_next(s, &e, NULL), 1);
	assert_int_equal(e.tid, 8);
	assert_int_equal(event_int(&e, WAKING_TID), -9);

	assert_int_equal(source_next(s, &e, NULL), 1);
	size_t count;
	const uint8_t *words = event_words(&e, SITE_IPS, &count);
	uint64_t ip;
	assert_int_equal(count, 2);
	memcpy(&ip, words + 8, sizeof(ip));
	assert_int_equal(ip, 0x402000);
	assert_int_equal(event_int(&e, SITE_PID), 5); /* behind the sequence */

	assert_int_equal(source_next(s, &e, NULL), 1);
	assert_int_equal(e.type->kind, EVENT_OTHER);
	assert_int_equal(e.tid, 3);
	assert_int_equal(source_next(s, &e, NULL), 0);
	source_close(s);
}

static void script_names_the_wrong_line(void **state)
{
	(void)state;
	struct source *s = NULL;
	struct err e = {0};
	assert_int_equal(script_open(&s, "1 a\n2 b c\n", &e), -EINVAL);
	assert_string_equal(e.text, "script line 2: field=value belongs at 'c'");
	assert_int_equal(script_open(&s, "2 a\n1 b\n", &e), -EINVAL);
	assert_int_equal(script_open(&s, "1 a x=[1 2\n", &e), -EINVAL);
	assert_null(s);
}

static void bits_agree_with_their_definition(void **state)
{
	(void)state;
	uint8_t data[24];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 73 + 19);
	for (unsigned at = 0; at < 64; at++) {
		for (unsigned bits = 1; bits <= 64; bits++) {
			uint64_t little = 0, big = 0;
			for (unsigned i = 0; i < bits; i++) {
				unsigned p = at + i;
				little |= (uint64_t)(data[p / 8] >> (p % 8) & 1) << i;
				big = big << 1 | (data[p / 8] >> (7 - p % 8) & 1);
			}
			assert_int_equal(bits_read(data, at, bits, false), little);
			assert_int_equal(bits_read(data, at, bits, true), big);
		}
	}
}

static struct schema *new_schema(void)
{
	struct schema *s = NULL;
	assert_int_equal(schema_create(&s, NULL), 0);
	return s;
}

static void layout_places_what_it_can(void **state)
{
	(void)state;
	struct schema *s = new_schema();
	struct type *wide = type_integer(s, 64, false, 10);
	wide->align_bits = 64;
	struct type *inner = type_struct(s, 2);
	type_set_field(inner, 0, "tag", type_integer(s, 8, false, 10));
	type_set_field(inner, 1, "wide", wide);
	struct type *payload = type_struct(s, 6);
	type_set_field(payload, 0, "five", type_integer(s, 5, false, 10));
	type_set_field(payload, 1, "three", type_integer(s, 3, true, 10));
	type_set_field(payload, 2, "inner", inner);
	type_set_field(payload, 3, "count", type_integer(s, 16, false, 10));
	type_set_field(payload, 4, "items",
		       type_sequence(s, type_integer(s, 32, false, 10), "count"));
	type_set_field(payload, 5, "last", type_integer(s, 8, false, 10));
	struct event_type *type;
	assert_int_equal(schema_add(s, 0, 1, "e", NULL, payload, &type, NULL), 0);
	assert_int_equal(payload->align_bits, 64);
	assert_int_equal(payload->size_bits, -1);
	assert_int_equal(type_field(payload, "three")->offset_bits, 5);
	assert_int_equal(type_field(inner, "wide")->offset_bits, 128);
	assert_int_equal(type_field(inner, "wide")->fast_bytes, 8);
	assert_int_equal(type_field(payload, "items")->offset_bits, 208);
	assert_int_equal(type_field(payload, "last")->offset_bits, -1);

	uint8_t bytes[35] = {0xff, [24] = 2, [26] = 1, [30] = 2, [34] = 77};
	struct event e = {.type = type, .payload = bytes, .payload_bytes = sizeof(bytes)};
	assert_int_equal(field_int(&e, type_field(payload, "three")), -1);
	assert_int_equal(field_uint(&e, type_field(payload, "last")), 77);
	e.payload_bytes = 34; /* cut */
	assert_int_equal(field_uint(&e, type_field(payload, "last")), 0);
	schema_destroy(s);
}

static void layout_refuses_what_cannot_be_read(void **state)
{
	(void)state;
	struct schema *s = new_schema();
	struct err e = {0};
	struct type *payload = type_struct(s, 1);
	type_set_field(payload, 0, "items", type_sequence(s, type_string(s), "count"));
	assert_int_equal(schema_add(s, 0, 1, "e", NULL, payload, NULL, &e), -EINVAL);
	assert_string_equal(e.text, "event e: no integer field 'count' stands before its use");
	struct type *deep = type_integer(s, 8, false, 10);
	for (int i = 0; i < TYPE_DEPTH_MAX + 2; i++)
		deep = type_array(s, deep, 2);
	payload = type_struct(s, 1);
	type_set_field(payload, 0, "deep", deep);
	assert_int_equal(schema_add(s, 0, 1, "e", NULL, payload, NULL, &e), -EINVAL);
	struct type *huge = type_array(s, type_array(s, type_text(s, UINT32_MAX), UINT32_MAX), 9);
	payload = type_struct(s, 1);
	type_set_field(payload, 0, "huge", huge);
	assert_int_equal(schema_add(s, 0, 1, "e", NULL, payload, NULL, &e), -E2BIG);
	schema_destroy(s);
}

static void a_walk_over_nothing_ends(void **state)
{
	(void)state;
	struct schema *s = new_schema();
	struct type *nothing = type_struct(s, 0);
	struct type *many = type_array(s, type_array(s, nothing, 1000000), 1000000);
	struct type *payload = type_struct(s, 1);
	type_set_field(payload, 0, "many", many);
	assert_int_equal(type_layout(payload, NULL), 0);
	struct walk w;
	walk_init(&w, "x", 1);
	walk_skip(&w, &payload->structure.fields[0]);
	assert_true(w.failed);
	schema_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_by_number),
		cmocka_unit_test(script_names_the_wrong_line),
		cmocka_unit_test(bits_agree_with_their_definition),
		cmocka_unit_test(layout_places_what_it_can),
		cmocka_unit_test(layout_refuses_what_cannot_be_read),
		cmocka_unit_test(a_walk_over_nothing_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
