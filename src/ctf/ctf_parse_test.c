/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_sample.h"
#include "ctf/ctf_types.h"
#include "event/event.h"
#include "util/test.h"

#include <string.h>

static struct ctf_metadata *parse(const char *text)
{
	struct ctf_metadata *m = NULL;
	struct err e = {0};
	if (ctf_parse(&m, text, strlen(text), &e))
		fail_msg("%s", e.text);
	return m;
}

static void expect_error(const char *text, const char *sentence)
{
	struct ctf_metadata *m = NULL;
	struct err e = {0};
	assert_int_not_equal(ctf_parse(&m, text, strlen(text), &e), 0);
	assert_null(m);
	assert_string_equal(e.text, sentence);
}

static void mistakes_are_named_with_their_place(void **state)
{
	(void)state;
	expect_error("trace {\n  major = 2; };", "2:14: wanted CTF version 1 in front of this, "
						 "not '}'");
	expect_error("typo { };", "1:1: there is no declaration 'typo' in TSDL");
	expect_error("struct a { b c; };", "1:14: there is no type 'b'");
	expect_error("typealias integer { size = 65; } := x;",
		     "1:32: wanted a size of 1 to 64 bits in front of this, not '}'");
	expect_error("typealias integer { size = 8; align = 3; } := x;",
		     "1:42: wanted an alignment that is a power of two in front of this, not '}'");
	expect_error("event { id = 1; };",
		     "1:19: wanted a name for the event in front of this, but the text ends");
	expect_error("/* without an end", "1:18: wanted declarations, but the text ends");
	expect_error("event { name = a; fields := struct { integer { size = 8; } x[n]; }; };",
		     "event a: no integer field 'n' stands before its use");
	expect_error("event { name = a; }; event { name = b; };",
		     "event b: stream 0 has its id 0 twice");
	expect_error("stream { id = 1; };\nstream { id = 1; };",
		     "2:20: wanted another id for the stream in front of this, but the text ends");
}

static void growth_and_depth_are_bounded(void **state)
{
	(void)state;
	char text[4096] = "struct a0 { integer { size = 8; } x; };\n";
	for (int i = 1; i < 40; i++) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used,
			 "struct a%d { struct a%d x; struct a%d y; };\n", i, i - 1, i - 1);
	}
	struct ctf_metadata *m = NULL;
	struct err e = {0};
	assert_int_equal(ctf_parse(&m, text, strlen(text), &e), -E2BIG);
	assert_non_null(strstr(e.text, "grow beyond all measure"));
	strcpy(text, "typealias ");
	for (int i = 0; i < 100; i++)
		strcat(text, "enum : ");
	assert_int_equal(ctf_parse(&m, text, strlen(text), &e), -EINVAL);
	assert_non_null(strstr(e.text, "nested less deep"));
}

/* Cut at any byte: what is whole is used, or the place of the cut is named; never a fault. */
static void a_cut_text_keeps_whole_events(void **state)
{
	(void)state;
	static const char text[] = OUR_METADATA;
	size_t used = 0, refused = 0;
	for (size_t cut = 1; cut < sizeof(text); cut++) {
		struct ctf_metadata *m = NULL;
		struct err e = {0};
		if (ctf_parse(&m, text, cut, &e)) {
			refused++;
			continue;
		}
		used += m->warning != NULL;
		ctf_metadata_destroy(m);
	}
	assert_true(refused > 100);
	assert_true(used > 50); /* the second event's text */
}

static void types_are_what_was_written(void **state)
{
	(void)state;
	struct ctf_metadata *m =
		parse("typealias integer { size = 32; signed = 1; } := int;\n"
		      "typealias int := unsigned long;\n"
		      "typedef int pair[2];\n"
		      "enum colour : int { red, green = 5, blues = 7 ... 9, \"after\" };\n"
		      "event { name = \"e\"; context := struct { int _tid; };\n"
		      "  fields := struct { unsigned long a, b[3][4]; pair p; enum colour c;\n"
		      "    integer { size = 8; base = hex; encoding = UTF8; } s[5];\n"
		      "    floating_point { exp_dig = 8; mant_dig = 24; } f; } align(64); };\n"
		      "clock { name = c; freq = 1000; offset_s = -2; offset = 500; };\n"
		      "trace { major = 1; byte_order = be; };");
	const struct event_type *e = schema_find(m->schema, "e");
	const struct type *fields = e->payload;
	assert_true(m->big_endian);
	assert_int_equal(fields->align_bits, 64);
	assert_int_equal(fields->size_bits, 32 + 12 * 32 + 64 + 32 + 40 + 32);
	assert_int_equal(type_field(fields, "b")->type->array.count, 3);
	assert_int_equal(type_field(fields, "b")->type->array.element->array.count, 4);
	assert_int_equal(type_field(fields, "p")->offset_bits, 13 * 32);
	const struct type *c = type_field(fields, "c")->type;
	assert_int_equal(c->integer.label_count, 4);
	assert_int_equal(c->integer.labels[2].last, 9);
	assert_int_equal(c->integer.labels[3].first, 10);
	assert_true(c->integer.big_endian);
	const struct type *s = type_field(fields, "s")->type->array.element;
	assert_true(s->integer.is_text);
	assert_int_equal(s->integer.base, 16);
	assert_non_null(type_field(e->context, "tid"));
	assert_int_equal(ctf_clock_ns(&m->clock, 3), 3000000);
	assert_int_equal(ctf_clock_epoch_ns(&m->clock), -1500000000);
	ctf_metadata_destroy(m);
}

static void packets_of_text_are_put_together(void **state)
{
	(void)state;
	static const char text[] = OUR_METADATA;
	uint8_t packets[8192] = {0};
	size_t used = 0;
	for (size_t at = 0; at < sizeof(text) - 1; at += 100) {
		size_t bytes = sizeof(text) - 1 - at < 100 ? sizeof(text) - 1 - at : 100;
		uint32_t head[8] = {0x75D11D57, 0, 0, 0, 0, 0, (37 + (uint32_t)bytes) * 8, 160 * 8};
		memcpy(packets + used, head, sizeof(head));
		memcpy(packets + used + 37, text + at, bytes);
		used += 160;
	}
	struct ctf_metadata *m = NULL;
	struct err e = {0};
	assert_int_equal(ctf_parse(&m, packets, used, &e), 0);
	assert_int_equal(m->schema->type_count, 3); /* and the losses */
	ctf_metadata_destroy(m);
	packets[32] = 1; /* compressed */
	assert_int_equal(ctf_parse(&m, packets, used, &e), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_named_with_their_place),
		cmocka_unit_test(growth_and_depth_are_bounded),
		cmocka_unit_test(a_cut_text_keeps_whole_events),
		cmocka_unit_test(types_are_what_was_written),
		cmocka_unit_test(packets_of_text_are_put_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
