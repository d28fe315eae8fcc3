/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_mend.h"
#include "packet/packet.h"
#include "util/test.h"

#include <string.h>

enum { PACKETS = 5, ROOM = 4096 };

static const uint8_t uuid[16] = "uuid of a stream";
static struct schema *schema;
static struct ctf_layout *layout;

/* A whole stream, and where its packets begin. */
static uint8_t stream[ROOM];
static size_t starts[PACKETS + 1];
static unsigned packet_count;

static int keep(void *context, const struct ring_packet *header, const void *body, size_t bytes,
		struct err *e)
{
	(void)context;
	(void)e;
	size_t at = starts[packet_count];
	memcpy(stream + at, header, sizeof(*header));
	memcpy(stream + at + sizeof(*header), body, bytes);
	starts[++packet_count] = at + header->packet_bits / 8;
	return 0;
}

/* Packets of 3, 4, 5 … events, of fixed and other sizes, with times 10 apart. */
static void write_stream(void)
{
	struct packet p;
	uint64_t time_ns = 1000;
	packet_count = 0;
	assert_int_equal(packet_init(&p, uuid, 0, 3, keep, NULL, NULL), 0);
	for (unsigned i = 0; i < PACKETS; i++) {
		for (unsigned event = 0; event < 3 + i; event++, time_ns += 10) {
			packet_begin(&p, event % 2 + 1, time_ns);
			if (event % 2)
				packet_put_string(&p, "some text" + event);
			else
				packet_put_u32(&p, event);
			assert_int_equal(packet_commit(&p, NULL), 0);
		}
		assert_int_equal(packet_seal(&p, NULL), 0);
	}
	packet_deinit(&p);
	assert_int_equal(packet_count, PACKETS);
}

static int set_up(void **state)
{
	struct err e;
	(void)state;
	if (schema_create(&schema, &e))
		return -1;
	struct type *number = type_struct(schema, 1);
	struct type *string = type_struct(schema, 1);
	type_set_field(number, 0, "n", type_integer(schema, 32, false, 10));
	type_set_field(string, 0, "s", type_string(schema));
	if (schema_add(schema, 0, 1, "number", NULL, number, NULL, &e) ||
	    schema_add(schema, 0, 2, "string", NULL, string, NULL, &e) ||
	    ctf_layout_create(&layout, schema, &e))
		return -1;
	write_stream();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ctf_layout_destroy(layout);
	schema_destroy(schema);
	return 0;
}

struct valid {
	uint64_t packets, events;
};

/* What babeltrace2 wants of a stream, stated apart from the code under test. */
static struct valid validate(const uint8_t *data, size_t bytes)
{
	struct valid valid = {0};
	uint64_t time_ns = 0;
	for (size_t at = 0; at < bytes;) {
		struct ring_packet header;
		assert_true(bytes - at >= sizeof(header));
		memcpy(&header, data + at, sizeof(header));
		assert_int_equal(header.magic, RING_CTF_MAGIC);
		assert_memory_equal(header.uuid, uuid, 16);
		assert_true(header.packet_bits <= (bytes - at) * 8);
		assert_true(header.content_bits <= header.packet_bits);
		assert_true(header.begin_ns >= time_ns && header.end_ns >= header.begin_ns);
		size_t content_bytes = header.content_bits / 8 - sizeof(header);
		struct ctf_span span =
			ctf_layout_walk(layout, &header, data + at + sizeof(header), content_bytes);
		assert_true(span.complete);
		assert_int_equal(span.bytes, content_bytes);
		assert_true(span.last_ns <= header.end_ns);
		time_ns = header.end_ns;
		at += header.packet_bits / 8;
		valid.packets++;
		valid.events += span.events;
	}
	return valid;
}

/* Mends `bytes` of data in place, twice; what is left of it is valid. */
static struct valid mend(uint8_t *data, size_t *bytes, struct ctf_mend *ret)
{
	struct ctf_mend again;
	assert_int_equal(ctf_mend_plan(ret, uuid, layout, data, *bytes, NULL), 0);
	for (size_t i = 0; i < ret->patches.count; i++)
		memcpy(data + ret->patches.items[i].at, &ret->patches.items[i].header,
		       sizeof(struct ring_packet));
	*bytes = ret->end - ret->front_bytes;
	memmove(data, data + ret->front_bytes, *bytes);
	struct valid valid = validate(data, *bytes);
	assert_int_equal(valid.packets, ret->packets + ret->salvaged);
	assert_int_equal(ctf_mend_plan(&again, uuid, layout, data, *bytes, NULL), 0);
	assert_false(ctf_mend_needed(&again, *bytes));
	assert_int_equal(again.packets, valid.packets);
	ctf_mend_deinit(&again);
	ctf_mend_deinit(ret);
	return valid;
}

static void a_whole_stream_stays(void **state)
{
	(void)state;
	uint8_t data[ROOM];
	size_t bytes = starts[PACKETS];
	struct ctf_mend plan;
	memcpy(data, stream, bytes);
	struct valid valid = mend(data, &bytes, &plan);
	assert_int_equal(valid.packets, PACKETS);
	assert_int_equal(valid.events, 3 + 4 + 5 + 6 + 7);
	assert_int_equal(plan.salvaged, 0);
	assert_int_equal(plan.damaged_bytes, 0);
	assert_int_equal(bytes, starts[PACKETS]);
	assert_memory_equal(data, stream, bytes);
}

/* Events that end at `bytes` or before. */
static uint64_t whole_events(size_t bytes)
{
	uint64_t events = 0;
	for (unsigned i = 0; i < PACKETS && starts[i] + sizeof(struct ring_packet) <= bytes; i++) {
		struct ring_packet header;
		memcpy(&header, stream + starts[i], sizeof(header));
		size_t end = bytes < starts[i + 1] ? bytes : starts[i + 1];
		size_t content_bytes = header.content_bits / 8;
		if (end - starts[i] < content_bytes)
			content_bytes = end - starts[i];
		events += ctf_layout_walk(layout, &header, stream + starts[i] + sizeof(header),
					  content_bytes - sizeof(header))
				  .events;
	}
	return events;
}

static void a_cut_at_any_byte_costs_one_event_at_most(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= starts[PACKETS]; cut++) {
		uint8_t data[ROOM];
		size_t bytes = cut;
		struct ctf_mend plan;
		unsigned whole = 0;
		memcpy(data, stream, cut);
		while (whole < PACKETS && starts[whole + 1] <= cut)
			whole++;
		struct valid valid = mend(data, &bytes, &plan);
		assert_int_equal(plan.packets, whole);
		assert_int_equal(valid.events, whole_events(cut));
		assert_memory_equal(data, stream, starts[whole]);
	}
}

static void a_hole_anywhere_costs_what_is_in_it(void **state)
{
	(void)state;
	for (size_t from = 0; from < starts[PACKETS]; from += 4) {
		for (size_t bytes_gone = 4; from + bytes_gone <= starts[PACKETS]; bytes_gone *= 3) {
			uint8_t data[ROOM];
			size_t bytes = starts[PACKETS];
			struct ctf_mend plan;
			unsigned untouched = 0;
			memcpy(data, stream, bytes);
			memset(data + from, 0, bytes_gone);
			for (unsigned i = 0; i < PACKETS; i++)
				untouched += !memcmp(data + starts[i], stream + starts[i],
						     starts[i + 1] - starts[i]);
			mend(data, &bytes, &plan);
			/* Zeros may also stand where zeros or another valid value can. */
			assert_true(plan.packets >= untouched);
		}
	}
}

static void garbage_between_packets_becomes_padding(void **state)
{
	(void)state;
	for (unsigned at = 0; at <= PACKETS; at++) {
		for (size_t garbage = 1; garbage < 200; garbage += 13) {
			uint8_t data[ROOM];
			size_t bytes = starts[PACKETS] + garbage;
			struct ctf_mend plan;
			memcpy(data, stream, starts[at]);
			memset(data + starts[at], 0xa5, garbage);
			memcpy(data + starts[at] + garbage, stream + starts[at],
			       starts[PACKETS] - starts[at]);
			struct valid valid = mend(data, &bytes, &plan);
			assert_int_equal(plan.packets, PACKETS);
			assert_int_equal(valid.events, 25);
			assert_int_equal(plan.damaged_bytes, garbage);
		}
	}
}

static void put_header(uint8_t *data, unsigned packet, const struct ring_packet *header)
{
	memcpy(data + starts[packet], header, sizeof(*header));
}

static void one_wrong_header_costs_no_other_packet(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		struct ring_packet to; /* xored in */
		uint64_t packets;
	} cases[] = {
		{"end", {.end_ns = 1ull << 40}, PACKETS},
		{"sequence", {.sequence = 1ull << 40}, PACKETS},
		{"discarded", {.discarded = 1ull << 40}, PACKETS},
		{"begin", {.begin_ns = 1ull << 62}, PACKETS - 1},
		{"packet size", {.packet_bits = 1ull << 60}, PACKETS - 1},
		{"small packet size", {.packet_bits = 1ull << 9}, PACKETS - 1},
		{"content size", {.content_bits = 1ull << 60}, PACKETS - 1},
		{"stream", {.stream_id = 1}, PACKETS - 1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t data[ROOM];
		size_t bytes = starts[PACKETS];
		struct ctf_mend plan;
		struct ring_packet header;
		memcpy(data, stream, bytes);
		memcpy(&header, data + starts[2], sizeof(header));
		header.end_ns ^= cases[i].to.end_ns;
		header.begin_ns ^= cases[i].to.begin_ns;
		header.sequence ^= cases[i].to.sequence;
		header.discarded ^= cases[i].to.discarded;
		header.packet_bits ^= cases[i].to.packet_bits;
		header.content_bits ^= cases[i].to.content_bits;
		header.stream_id ^= cases[i].to.stream_id;
		put_header(data, 2, &header);
		mend(data, &bytes, &plan);
		if (plan.packets < cases[i].packets)
			fail_msg("wrong %s: %u packets left", cases[i].what,
				 (unsigned)plan.packets);
	}
}

static void a_file_without_packets_is_known_by_its_start(void **state)
{
	(void)state;
	assert_true(ctf_mend_is_beginning(uuid, "", 0));
	assert_true(ctf_mend_is_beginning(uuid, stream, 7));
	assert_true(ctf_mend_is_beginning(uuid, stream, 60));
	assert_true(ctf_mend_is_beginning(uuid, "\0\0\0", 3));
	assert_false(ctf_mend_is_beginning(uuid, "# README", 8));
	assert_false(ctf_mend_is_beginning(uuid, "\0\0x", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_stream_stays),
		cmocka_unit_test(a_cut_at_any_byte_costs_one_event_at_most),
		cmocka_unit_test(a_hole_anywhere_costs_what_is_in_it),
		cmocka_unit_test(garbage_between_packets_becomes_padding),
		cmocka_unit_test(one_wrong_header_costs_no_other_packet),
		cmocka_unit_test(a_file_without_packets_is_known_by_its_start),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
