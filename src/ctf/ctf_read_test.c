/* SPDX-License-Identifier: MIT */
/* Traces built byte by byte: layouts no recorder here writes, and every kind of damage. */
#include "ctf/ctf_read.h"
#include "ctf/ctf_sample.h"
#include "event/event.h"
#include "util/array.h"
#include "util/test.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes of a stream file. */
struct bytes {
	uint8_t *items;
	size_t count, capacity;
};

static void put_le(struct bytes *b, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		assert_int_equal(array_push(b, i < 8 ? (uint8_t)(value >> (8 * i)) : 0), 0);
}

static void put_be(struct bytes *b, uint64_t value, unsigned bytes)
{
	for (unsigned i = bytes; i-- > 0;)
		assert_int_equal(array_push(b, (uint8_t)(value >> (8 * i))), 0);
}

static void set_le64(struct bytes *b, size_t at, uint64_t value)
{
	memcpy(b->items + at, &value, sizeof(value));
}

enum { PACKET_BYTES = 256, HEADER_BYTES = 80, DISCARDED_AT = 64, TID_AT = 76 };

/* A packet of three events at t, t+1, t+2: a switch, a text, a switch. */
static void put_packet(struct bytes *b, uint64_t t, uint64_t sequence, uint32_t cpu)
{
	size_t start = b->count;
	put_le(b, 0xC1FC1FC1, 4);
	put_le(b, 0, 16);
	put_le(b, 0, 4);
	put_le(b, t, 8);
	put_le(b, t + 2, 8);
	put_le(b, 8 * (HEADER_BYTES + 48), 8);
	put_le(b, 8 * PACKET_BYTES, 8);
	put_le(b, sequence, 8);
	put_le(b, 0, 8);
	put_le(b, cpu, 4);
	put_le(b, 10 + cpu, 4);
	put_le(b, t << 16 | 1, 8);
	put_le(b, 10 + cpu, 4);
	put_le(b, 20 + cpu, 4);
	put_le(b, (t + 1) << 16 | 2, 8);
	put_le(b, 0x6261, 8); /* "ab", NUL, padding */
	put_le(b, (t + 2) << 16 | 1, 8);
	put_le(b, 20 + cpu, 4);
	put_le(b, 0, 4);
	while (b->count < start + PACKET_BYTES)
		put_le(b, 0, 1);
}

static char directory[64];

static void write_file(const char *name, const void *data, size_t bytes)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	if (bytes)
		assert_int_equal(fwrite(data, 1, bytes, out), bytes);
	assert_int_equal(fclose(out), 0);
}

static void trace_begin(const char *metadata)
{
	snprintf(directory, sizeof(directory), "/tmp/cairn-read-XXXXXX");
	assert_non_null(mkdtemp(directory));
	write_file("metadata", metadata, strlen(metadata));
}

static void trace_end(void)
{
	static const char *const names[] = {"metadata", "a", "b"};
	char path[128];
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(directory), 0);
}

static struct source *open_trace(const struct ctf_options *options)
{
	struct source *s = NULL;
	struct err e = {0};
	if (ctf_open(&s, directory, options, &e))
		fail_msg("%s", e.text);
	return s;
}

static struct event next_event(struct source *s)
{
	struct event event;
	struct err e = {0};
	int code = source_next(s, &event, &e);
	if (code < 0)
		fail_msg("%s", e.text);
	assert_int_equal(code, 1);
	return event;
}

static uint64_t count_events(struct source *s)
{
	struct event event;
	struct err e = {0};
	uint64_t count = 0, last_ns = 0;
	int code;
	for (; (code = source_next(s, &event, &e)) > 0; count++) {
		assert_true(event.time_ns >= last_ns);
		last_ns = event.time_ns;
	}
	assert_int_equal(code, 0);
	return count;
}

static void streams_merge_and_threads_are_followed(void **state)
{
	(void)state;
	struct bytes a = {0}, b = {0};
	put_packet(&a, 100, 0, 0);
	put_packet(&a, 200, 1, 0);
	put_packet(&b, 101, 0, 1);
	trace_begin(OUR_METADATA);
	write_file("a", a.items, a.count);
	write_file("b", b.items, b.count);
	struct source *s = open_trace(NULL);
	static const struct {
		uint64_t time_ns;
		int cpu, tid;
	} truth[] = {{100, 0, 10}, {101, 0, 20}, {101, 1, 11}, {102, 0, 20}, {102, 1, 21},
		     {103, 1, 21}, {200, 0, 10}, {201, 0, 20}, {202, 0, 20}};
	for (size_t i = 0; i < sizeof(truth) / sizeof(truth[0]); i++) {
		struct event e = next_event(s);
		assert_int_equal(e.time_ns, truth[i].time_ns);
		assert_int_equal(e.cpu, truth[i].cpu);
		assert_int_equal(e.tid, truth[i].tid);
		if (e.type->kind == EVENT_OTHER) {
			size_t bytes;
			const char *text = field_text(&e, type_field(e.type->payload, "s"), &bytes);
			assert_int_equal(bytes, 2);
			assert_memory_equal(text, "ab", 2);
		}
	}
	assert_int_equal(count_events(s), 0);
	assert_int_equal(ctf_warning_count(s), 0);
	const struct ctf_origin *origin = ctf_origin_at(s, 0);
	assert_int_equal(ctf_origin_count(s), 1);
	assert_string_equal(ctf_env_find(origin->metadata, "hostname"), "here");
	assert_string_equal(ctf_env_find(origin->metadata, "tracer_major"), "-2");
	assert_int_equal(origin->epoch_ns, 5000000007);
	assert_int_equal(origin->begin_ns, 100);
	assert_int_equal(origin->end_ns, 202);
	assert_int_equal(origin->packet_count, 3);
	source_close(s);
	struct ctf_options window = {.from_ns = 102, .to_ns = 200};
	s = open_trace(&window);
	assert_int_equal(next_event(s).tid, 20);
	assert_int_equal(count_events(s), 3);
	source_close(s);
	trace_end();
	array_free(&a);
	array_free(&b);
}

/* A packet that begins without a switch: who runs is what it says, or nobody knows. */
static void threads_come_with_packets_and_go_with_losses(void **state)
{
	(void)state;
	struct bytes a = {0};
	put_packet(&a, 100, 0, 0);
	put_packet(&a, 200, 1, 0);
	put_packet(&a, 300, 2, 0);
	a.items[PACKET_BYTES + HEADER_BYTES] = 2; /* a text instead of the switch */
	a.items[2 * PACKET_BYTES + HEADER_BYTES] = 2;
	set_le64(&a, PACKET_BYTES + DISCARDED_AT, 5);
	set_le64(&a, 2 * PACKET_BYTES + DISCARDED_AT, 5);
	memset(a.items + 2 * PACKET_BYTES + TID_AT, 0xff, 4);
	trace_begin(OUR_METADATA);
	write_file("a", a.items, a.count);
	struct source *s = open_trace(NULL);
	for (int i = 0; i < 3; i++)
		next_event(s);
	assert_int_equal(next_event(s).tid, 10);
	assert_int_equal(next_event(s).tid, 10);
	assert_int_equal(next_event(s).tid, 20); /* what the switch says */
	assert_int_equal(next_event(s).type->kind, EVENT_LOST);
	assert_int_equal(next_event(s).tid, EVENT_TID_UNKNOWN);
	assert_int_equal(next_event(s).tid, EVENT_TID_UNKNOWN);
	assert_int_equal(next_event(s).tid, 20);
	assert_int_equal(count_events(s), 0);
	source_close(s);
	trace_end();
	array_free(&a);
}

static void losses_are_events(void **state)
{
	(void)state;
	struct bytes a = {0};
	put_packet(&a, 100, 7, 3); /* a snapshot's first: what was before is not lost */
	put_packet(&a, 200, 10, 3);
	put_packet(&a, 300, 11, 3);
	set_le64(&a, DISCARDED_AT, 5);
	set_le64(&a, PACKET_BYTES + DISCARDED_AT, 5);
	set_le64(&a, 2 * PACKET_BYTES + DISCARDED_AT, 9);
	trace_begin(OUR_METADATA);
	write_file("a", a.items, a.count);
	struct source *s = open_trace(NULL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(next_event(s).time_ns, 100 + i);
	struct event e = next_event(s);
	assert_int_equal(e.type->kind, EVENT_LOST);
	assert_int_equal(e.time_ns, 200);
	assert_int_equal(e.cpu, 3);
	assert_int_equal(event_uint(&e, LOST_COUNT), 0);
	assert_int_equal(event_uint(&e, LOST_PACKETS), 2);
	assert_int_equal(event_uint(&e, LOST_BEGIN), 102);
	for (int i = 0; i < 6; i++)
		assert_int_equal(next_event(s).type->kind == EVENT_LOST, 0);
	e = next_event(s);
	assert_int_equal(e.type->kind, EVENT_LOST);
	assert_int_equal(e.time_ns, 302);
	assert_int_equal(event_uint(&e, LOST_COUNT), 4);
	assert_int_equal(event_uint(&e, LOST_BEGIN), 202);
	assert_int_equal(count_events(s), 0);
	source_close(s);
	trace_end();
	array_free(&a);
}

/* A trace cut at any byte gives the events in front of the cut. */
static void a_cut_costs_what_is_cut(void **state)
{
	(void)state;
	struct bytes a = {0};
	put_packet(&a, 100, 0, 0);
	put_packet(&a, 200, 1, 0);
	trace_begin(OUR_METADATA);
	for (size_t cut = 0; cut <= a.count; cut++) {
		write_file("a", a.items, cut);
		struct source *s = open_trace(NULL);
		size_t whole = 0;
		for (size_t start = 0; start < 2 * PACKET_BYTES; start += PACKET_BYTES) {
			whole += cut >= start + HEADER_BYTES + 16;
			whole += cut >= start + HEADER_BYTES + 27;
			whole += cut >= start + HEADER_BYTES + 48;
		}
		assert_int_equal(count_events(s), whole);
		bool clean = cut % PACKET_BYTES == 0;
		assert_int_equal(ctf_warning_count(s) == 0, clean);
		source_close(s);
	}
	trace_end();
	array_free(&a);
}

static void expect_damage(struct bytes *a, uint64_t events, const char *warning)
{
	write_file("a", a->items, a->count);
	struct source *s = open_trace(NULL);
	assert_int_equal(count_events(s), events);
	assert_int_equal(ctf_warning_count(s), 1);
	if (!strstr(ctf_warning_at(s, 0), warning))
		fail_msg("'%s' says nothing of '%s'", ctf_warning_at(s, 0), warning);
	source_close(s);
}

static void damage_costs_what_is_damaged(void **state)
{
	(void)state;
	struct bytes a = {0};
	trace_begin(OUR_METADATA);
	put_packet(&a, 100, 0, 0);
	put_packet(&a, 200, 1, 0);
	put_packet(&a, 300, 2, 0);
	struct bytes tail = {0};
	tail.count = 0;
	for (size_t i = 0; i < a.count; i++)
		put_le(&tail, a.items[i], 1);
	put_le(&tail, 0x1234567890abcdef, 8);
	expect_damage(&tail, 9, "8 bytes at 768 are too short for a packet");
	array_free(&tail);

	uint8_t *second = a.items + PACKET_BYTES;
	uint8_t kept[PACKET_BYTES];
	memcpy(kept, second, sizeof(kept));
	memset(second, 0, sizeof(kept));
	expect_damage(&a, 7, "256 bytes at 256 are only zeros"); /* 6 and the missing packet */
	memcpy(second, kept, sizeof(kept));

	second[HEADER_BYTES + 16] = 99; /* an id nobody knows */
	expect_damage(&a, 7, "an event the metadata does not describe");
	memcpy(second, kept, sizeof(kept));

	second[HEADER_BYTES + 16 + 2] = 1; /* a step back of 200 ns */
	expect_damage(&a, 9, "1 events had times that go backwards");
	memcpy(second, kept, sizeof(kept));

	second[HEADER_BYTES + 16 + 5] = 1; /* a step far behind the packet's end */
	expect_damage(&a, 9, "1 events had times that go backwards or leave their packet");
	memcpy(second, kept, sizeof(kept));

	set_le64(&a, PACKET_BYTES + 40, 0);
	expect_damage(&a, 7, "never sealed");
	a.count = 0;
	put_packet(&a, 100, 0, 0);
	put_packet(&a, 101, 1, 0); /* overlaps by an event */
	expect_damage(&a, 6, "1 events had times that go backwards");
	trace_end();
	array_free(&a);
}

/* 5 bits of id, 27 of time: the same in both orders of bits, first field in the first bits. */
static void put_compact(struct bytes *b, bool big, uint32_t id, uint32_t time)
{
	if (big)
		put_be(b, id << 27 | time, 4);
	else
		put_le(b, time << 5 | id, 4);
}

static void put_number(struct bytes *b, bool big, uint64_t value, unsigned bytes)
{
	if (big)
		put_be(b, value, bytes);
	else
		put_le(b, value, bytes);
}

static void put_lttng(struct bytes *b, bool big)
{
	uint64_t begin = (1ull << 32) + (1 << 27) - 2;
	put_number(b, big, 0xC1FC1FC1, 4);
	put_number(b, big, begin, 8);
	put_number(b, big, 8 * 88, 4);
	put_number(b, big, 8 * 96, 4);
	put_number(b, big, 1, 4);
	put_compact(b, big, 3, (1 << 27) - 1);
	put_number(b, big, big ? 5 << 13 | 0x1ffe : 0x1ffe << 3 | 5, 2);
	put_compact(b, big, 3, 3); /* the 27 bits wrapped */
	put_number(b, big, big ? 1 << 13 | 7 : 7 << 3 | 1, 2);
	for (unsigned tag = 0; tag < 3; tag++) {
		put_number(b, big, big ? 31 << 3 : 31, 1);
		put_number(b, big, 40, 4);
		put_number(b, big, (1ull << 33) + tag, 8);
		put_le(b, tag, 1);
		if (tag == 1)
			put_number(b, big, 0x12345678, 4);
		if (tag == 2)
			put_le(b, 0x7978, 3);
		put_le(b, 77, 1);
	}
	while (b->count < 96)
		put_le(b, 0, 1);
}

static void check_lttng(bool big)
{
	struct bytes a = {0};
	char metadata[4096];
	snprintf(metadata, sizeof(metadata),
		 "%s trace { major = 1; minor = 8; byte_order = %s; " LTTNG_HEADER LTTNG_STREAM,
		 LTTNG_TYPES, big ? "be" : "le");
	put_lttng(&a, big);
	trace_begin(metadata);
	write_file("a", a.items, a.count);
	struct source *s = open_trace(NULL);
	struct event e = next_event(s);
	const struct type *small = e.type->payload;
	assert_string_equal(e.type->name, "small");
	assert_int_equal(e.time_ns, (1ull << 32) + (1 << 27) - 1);
	assert_int_equal(e.cpu, 1);
	assert_int_equal(field_uint(&e, type_field(small, "three")), 5);
	assert_int_equal(field_int(&e, type_field(small, "rest")), -2);
	e = next_event(s);
	assert_int_equal(e.time_ns, (1ull << 32) + (1 << 27) + 3);
	assert_int_equal(field_int(&e, type_field(small, "rest")), 7);
	for (unsigned tag = 0; tag < 3; tag++) {
		e = next_event(s);
		assert_string_equal(e.type->name, "chosen");
		assert_int_equal(e.time_ns, (1ull << 33) + tag);
		assert_int_equal(field_uint(&e, type_field(e.type->payload, "tag")), tag);
		assert_int_equal(field_uint(&e, type_field(e.type->payload, "last")), 77);
	}
	assert_int_equal(count_events(s), 0);
	assert_int_equal(ctf_warning_count(s), 0);
	source_close(s);
	trace_end();
	array_free(&a);
}

static void lttng_layouts_are_read_in_both_byte_orders(void **state)
{
	(void)state;
	check_lttng(false);
	check_lttng(true);
}

/* Without alignment, headers, contexts and payloads begin anywhere: 31 bits an event. */
static void check_bits(bool big)
{
	char metadata[1024];
	snprintf(metadata, sizeof(metadata),
		 "trace { major = 1; minor = 8; byte_order = %s; };\n"
		 "clock { name = m; freq = 1000; };\n"
		 "stream { event.header := struct { integer { size = 3; } id;\n"
		 "  integer { size = 10; map = clock.m.value; } t; };\n"
		 "  event.context := struct { integer { size = 7; align = 1; } vtid; }; };\n"
		 "event { id = 5; name = odd; fields := struct {\n"
		 "  integer { size = 9; } a; integer { size = 2; signed = true; } b; }; };\n",
		 big ? "be" : "le");
	struct bytes a = {0};
	uint64_t one = 5 | 300 << 3 | 99 << 13 | 257 << 20 | 3u << 29;
	uint64_t two = 5 | 2 << 3 | 98 << 13 | 256 << 20 | 1u << 29;
	if (big) {
		one = 5u << 28 | 300 << 18 | 99 << 11 | 257 << 2 | 3;
		two = 5u << 28 | 2 << 18 | 98 << 11 | 256 << 2 | 1;
	}
	put_number(&a, big, big ? (one << 31 | two) << 2 : one | two << 31, 8);
	trace_begin(metadata);
	write_file("a", a.items, a.count);
	struct source *s = open_trace(NULL);
	struct event e = next_event(s);
	assert_int_equal(e.time_ns, 300000000);
	assert_int_equal(e.tid, 99);
	assert_int_equal(field_uint(&e, type_field(e.type->payload, "a")), 257);
	assert_int_equal(field_int(&e, type_field(e.type->payload, "b")), -1);
	e = next_event(s);
	assert_int_equal(e.time_ns, 1026000000);
	assert_int_equal(e.tid, 98);
	assert_int_equal(field_uint(&e, type_field(e.type->payload, "a")), 256);
	assert_int_equal(field_int(&e, type_field(e.type->payload, "b")), 1);
	source_close(s);
	trace_end();
	array_free(&a);
}

static void fields_may_begin_inside_a_byte(void **state)
{
	(void)state;
	check_bits(false);
	check_bits(true);
}

static void several_directories_share_a_clock(void **state)
{
	(void)state;
	struct bytes a = {0}, b = {0};
	put_packet(&a, 100, 0, 0);
	put_packet(&b, 101, 0, 1);
	trace_begin(OUR_METADATA);
	write_file("a", a.items, a.count);
	char path[128];
	snprintf(path, sizeof(path), "%s/user", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	/* Another clock, 50 ns younger. */
	static char other[] = OUR_METADATA;
	char *name;
	while ((name = strstr(other, "monotonic")))
		memcpy(name, "different", 9);
	memcpy(strstr(other, "offset = 7"), "offset =57", 10);
	write_file("user/metadata", other, strlen(other));
	write_file("user/b", b.items, b.count);
	struct source *s = open_trace(NULL);
	assert_int_equal(ctf_origin_count(s), 2);
	for (int i = 0; i < 3; i++)
		assert_int_equal(next_event(s).time_ns, 100 + i);
	for (int i = 0; i < 3; i++)
		assert_int_equal(next_event(s).time_ns, 151 + i);
	source_close(s);
	snprintf(path, sizeof(path), "%s/user/metadata", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/user/b", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/user", directory);
	rmdir(path);
	trace_end();
	array_free(&a);
	array_free(&b);
}

static void no_trace_is_said(void **state)
{
	(void)state;
	struct source *s = NULL;
	struct err e = {0};
	assert_int_equal(ctf_open(&s, "/nonexistent/x", NULL, &e), -ENOENT);
	trace_begin("trace {");
	assert_int_equal(ctf_open(&s, directory, NULL, &e), -EINVAL);
	assert_non_null(strstr(e.text, "/metadata: 1:8: wanted an attribute's name, but the text"));
	write_file("metadata", "", 0);
	assert_int_equal(ctf_open(&s, directory, NULL, &e), -EINVAL);
	trace_end();
	trace_begin("");
	char path[128];
	snprintf(path, sizeof(path), "%s/metadata", directory);
	unlink(path);
	assert_int_equal(ctf_open(&s, directory, NULL, &e), -ENOENT);
	assert_non_null(strstr(e.text, "no file named metadata"));
	trace_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_merge_and_threads_are_followed),
		cmocka_unit_test(threads_come_with_packets_and_go_with_losses),
		cmocka_unit_test(losses_are_events),
		cmocka_unit_test(a_cut_costs_what_is_cut),
		cmocka_unit_test(damage_costs_what_is_damaged),
		cmocka_unit_test(lttng_layouts_are_read_in_both_byte_orders),
		cmocka_unit_test(fields_may_begin_inside_a_byte),
		cmocka_unit_test(several_directories_share_a_clock),
		cmocka_unit_test(no_trace_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
