/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_describe.h"
#include "util/test.h"

#include <string.h>

static const struct ctf_stream_class streams[] = {{0, "kernel", true}, {2, "state", false}};

static struct schema *make_schema(void)
{
	struct schema *s;
	assert_int_equal(schema_create(&s, NULL), 0);
	return s;
}

static struct ctf_trace make_trace(const struct schema *s)
{
	return (struct ctf_trace){
		.uuid = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, [15] = 0xff},
		.streams = streams,
		.stream_count = 2,
		.schema = s,
		.clock = {.name = "monotonic", .offset_ns = 1700000000123456789, .error_ns = 300},
	};
}

/* The metadata, which the caller frees. */
static char *describe(const struct ctf_trace *trace)
{
	struct text out = {0};
	struct err e = {0};
	int r = ctf_describe(&out, trace, &e);
	if (r)
		fail_msg("%s", e.text);
	return out.data;
}

static void refuse(const struct ctf_trace *trace, const char *sentence)
{
	struct text out = {0};
	struct err e = {0};
	assert_int_equal(ctf_describe(&out, trace, &e), -EINVAL);
	assert_string_equal(e.text, sentence);
	text_deinit(&out);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void the_head_says_what_the_trace_is(void **state)
{
	(void)state;
	struct schema *s = make_schema();
	struct ctf_trace trace = make_trace(s);
	const struct ctf_fact facts[] = {
		{"hostname", "a \"b\" \\ c\n\t€", 0},
		{"tracer_major", NULL, -3},
	};
	trace.facts = facts;
	trace.fact_count = 2;
	char *text = describe(&trace);
	assert_int_equal(strncmp(text, "/* CTF 1.8 */\n", 14), 0);
	assert_has(text, "uuid = \"01234567-89ab-0000-0000-0000000000ff\"");
	assert_has(text, "hostname = \"a \\\"b\\\" \\\\ c\\n\\011€\";");
	assert_has(text, "tracer_major = -3;");
	assert_has(text, "offset_s = 1700000000;\n\toffset = 123456789;");
	assert_has(text, "precision = 300;");
	assert_has(text, "uint32_t cpu_id;\n\t\tuint32_t tid;");
	assert_has(text, "uint32_t reserved_1;\n\t\tuint32_t reserved_2;");
	free(text);
	schema_destroy(s);
}

static void every_kind_of_field_has_its_words(void **state)
{
	(void)state;
	static const struct type_label labels[] = {{0, 0, "none"}, {1, 7, "so \"me\""}};
	struct schema *s = make_schema();
	struct type *payload = type_struct(s, 6);
	struct type *level = type_integer(s, 32, true, 10);
	level->integer.labels = labels;
	level->integer.label_count = 2;
	type_set_field(payload, 0, "ip", type_integer(s, 64, false, 16));
	type_set_field(payload, 1, "level", level);
	type_set_field(payload, 2, "comm", type_text(s, 16));
	type_set_field(payload, 3, "path", type_string(s));
	type_set_field(payload, 4, "n", type_integer(s, 8, false, 10));
	type_set_field(payload, 5, "args",
		       type_sequence(s, type_array(s, type_integer(s, 16, false, 8), 3), "n"));
	assert_int_equal(schema_add(s, 2, 9, "all", NULL, payload, NULL, NULL), 0);
	struct ctf_trace trace = make_trace(s);
	char *text = describe(&trace);
	assert_has(text, "name = \"all\";\n\tid = 9;\n\tstream_id = 2;\n\tfields := struct {");
	assert_has(text, "integer { size = 64; align = 8; signed = false; base = 16; } _ip;");
	assert_has(text, "enum : integer { size = 32; align = 8; signed = true; base = 10; } "
			 "{ \"none\" = 0, \"so \\\"me\\\"\" = 1 ... 7 } _level;");
	assert_has(text, "encoding = UTF8; } _comm[16];");
	assert_has(text, "string { encoding = UTF8; } _path;");
	assert_has(text, "base = 8; } _args[_n][3];");
	free(text);
	schema_destroy(s);
}

static void what_the_language_cannot_say_is_refused(void **state)
{
	(void)state;
	struct schema *s = make_schema();
	struct ctf_trace trace = make_trace(s);
	const struct ctf_fact fact = {"clock error", "x", 0};
	trace.facts = &fact;
	trace.fact_count = 1;
	refuse(&trace, "a trace cannot keep a fact called 'clock error'");
	trace.fact_count = 0;
	trace.clock.name = "my clock";
	refuse(&trace, "a clock cannot be called 'my clock'");
	trace = make_trace(s);
	assert_int_equal(schema_add(s, 5, 1, "stray", NULL, NULL, NULL, NULL), 0);
	refuse(&trace, "event stray belongs to stream class 5, which the trace has not");
	s->type_count = 0;
	assert_int_equal(schema_add(s, 0, 65536, "far", NULL, NULL, NULL, NULL), 0);
	refuse(&trace, "event far has id 65536, which 16 bits do not hold");
	s->type_count = 0;
	struct type *payload = type_struct(s, 1);
	type_set_field(payload, 0, "a-b", type_integer(s, 8, false, 10));
	assert_int_equal(schema_add(s, 0, 1, "odd", NULL, payload, NULL, NULL), 0);
	refuse(&trace, "event odd has a field called 'a-b', which is no name");
	schema_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_head_says_what_the_trace_is),
		cmocka_unit_test(every_kind_of_field_has_its_words),
		cmocka_unit_test(what_the_language_cannot_say_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
