/* SPDX-License-Identifier: MIT */
#include "packet/packet.h"
#include "util/test.h"

#include <string.h>

enum { PACKETS_MAX = 8, STREAM = 2, CPU = 5 };

struct seen {
	struct ring_packet header;
	uint8_t body[PACKET_BYTES_MAX];
	size_t bytes;
};

struct sink {
	struct seen packets[PACKETS_MAX];
	unsigned count;
	int refuse; /* what the sink says instead of 0 */
};

static struct sink sink;
static const uint8_t uuid[16] = "a trace of tests";

static int keep(void *context, const struct ring_packet *header, const void *body, size_t bytes,
		struct err *e)
{
	struct sink *s = context;
	(void)e;
	assert_true(s->count < PACKETS_MAX);
	assert_int_equal(header->content_bits, (sizeof(*header) + bytes) * 8);
	assert_true(header->packet_bits >= header->content_bits);
	assert_int_equal(header->packet_bits % 64, 0);
	assert_true(header->packet_bits <= PACKET_BYTES_MAX * 8);
	struct seen *seen = &s->packets[s->count++];
	seen->header = *header;
	memcpy(seen->body, body, bytes);
	seen->bytes = bytes;
	return s->refuse;
}

static struct packet make(void)
{
	struct packet p;
	memset(&sink, 0, sizeof(sink));
	assert_int_equal(packet_init(&p, uuid, STREAM, CPU, keep, &sink, NULL), 0);
	return p;
}

static void put_number(struct packet *p, uint64_t time_ns, uint32_t value)
{
	packet_begin(p, 7, time_ns);
	packet_put_u32(p, value);
	assert_int_equal(packet_commit(p, NULL), 0);
}

static uint64_t word_at(const struct seen *seen, size_t at)
{
	uint64_t word;
	memcpy(&word, seen->body + at, sizeof(word));
	return word;
}

static void a_packet_says_what_it_holds(void **state)
{
	(void)state;
	struct packet p = make();
	p.tid = 77;
	put_number(&p, 1000, 0x11223344);
	put_number(&p, 1500, 2);
	assert_int_equal(sink.count, 0);
	assert_int_equal(packet_seal(&p, NULL), 0);
	assert_int_equal(packet_seal(&p, NULL), 0);
	assert_int_equal(sink.count, 1);
	const struct seen *seen = &sink.packets[0];
	assert_int_equal(seen->header.magic, RING_CTF_MAGIC);
	assert_memory_equal(seen->header.uuid, uuid, 16);
	assert_int_equal(seen->header.stream_id, STREAM);
	assert_int_equal(seen->header.cpu, CPU);
	assert_int_equal(seen->header.tid, 77);
	assert_int_equal(seen->header.begin_ns, 1000);
	assert_int_equal(seen->header.end_ns, 1500);
	assert_int_equal(seen->bytes, 28); /* 12, a gap of 4, 12 */
	assert_int_equal(word_at(seen, 0), RING_EVENT_WORD(7, 1000));
	assert_int_equal(word_at(seen, 16), RING_EVENT_WORD(7, 1500));
	packet_deinit(&p);
}

static void full_packets_follow_each_other(void **state)
{
	(void)state;
	struct packet p = make();
	const unsigned per_packet = (PACKET_BYTES_MAX - sizeof(struct ring_packet)) / 16;
	for (uint32_t i = 0; i < 2 * per_packet + 1; i++)
		put_number(&p, i, i);
	assert_int_equal(packet_seal(&p, NULL), 0);
	assert_int_equal(sink.count, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(sink.packets[i].header.sequence, i);
		assert_int_equal(sink.packets[i].header.begin_ns, i * per_packet);
	}
	assert_int_equal(sink.packets[1].header.end_ns, 2 * per_packet - 1);
	assert_int_equal(sink.packets[2].bytes, 12);
	packet_deinit(&p);
}

static void time_never_goes_back(void **state)
{
	(void)state;
	struct packet p = make();
	put_number(&p, 1000, 1);
	put_number(&p, 900, 2);
	assert_int_equal(packet_seal(&p, NULL), 0);
	put_number(&p, 800, 3);
	assert_int_equal(packet_seal(&p, NULL), 0);
	assert_int_equal(word_at(&sink.packets[0], 16), RING_EVENT_WORD(7, 1000));
	assert_int_equal(sink.packets[1].header.begin_ns, 1000);
	assert_int_equal(word_at(&sink.packets[1], 0), RING_EVENT_WORD(7, 1000));
	packet_deinit(&p);
}

/* 78 hours without an event: 48 bits would not tell it from none. */
static void a_long_silence_begins_a_packet(void **state)
{
	(void)state;
	struct packet p = make();
	put_number(&p, 1000, 1);
	put_number(&p, 1000 + (1ull << 48), 2);
	assert_int_equal(packet_seal(&p, NULL), 0);
	assert_int_equal(sink.count, 2);
	assert_int_equal(sink.packets[1].header.begin_ns, 1000 + (1ull << 48));
	packet_deinit(&p);
}

static void a_long_string_is_cut_and_marked(void **state)
{
	(void)state;
	static char line[3 * PACKET_BYTES_MAX];
	for (size_t i = 0; i + 3 < sizeof(line); i += 3)
		memcpy(line + i, "€", 3);
	struct packet p = make();
	for (unsigned i = 0; i < PACKET_RESERVE_BYTES / 16; i++)
		put_number(&p, 1, i);
	packet_begin(&p, 8, 2);
	packet_put_u32(&p, 42);
	packet_put_string(&p, line);
	packet_put_string(&p, line);
	packet_put_u32(&p, 43);
	assert_int_equal(packet_commit(&p, NULL), 0);
	assert_int_equal(packet_seal(&p, NULL), 0);
	assert_int_equal(sink.count, 2);
	const struct seen *seen = &sink.packets[1];
	const char *first = (const char *)seen->body + 12;
	size_t bytes = strlen(first);
	assert_true(bytes > PACKET_BYTES_MAX - 2 * PACKET_RESERVE_BYTES);
	size_t kept = bytes - strlen(PACKET_CUT);
	assert_string_equal(first + kept, PACKET_CUT);
	assert_int_equal(kept % 3, 0);
	assert_string_equal(first + bytes + 1, PACKET_CUT);
	assert_int_equal(seen->bytes, 12 + bytes + 1 + sizeof(PACKET_CUT) + 4);
	assert_int_equal(seen->header.discarded, 0);
	packet_deinit(&p);
}

static void text_ends_at_its_first_nul(void **state)
{
	(void)state;
	struct packet p = make();
	packet_begin(&p, 8, 1);
	packet_put_text(&p, "ab\0cd", 5);
	packet_put_text(&p, "abcd", 3);
	packet_align(&p, 4);
	packet_put_u32(&p, 9);
	assert_int_equal(packet_commit(&p, NULL), 0);
	assert_int_equal(packet_seal(&p, NULL), 0);
	assert_memory_equal(sink.packets[0].body + 8, "ab\0abc\0\0\x09\0\0\0", 12);
	packet_deinit(&p);
}

static void what_does_not_fit_is_counted(void **state)
{
	(void)state;
	static const uint8_t much[PACKET_BYTES_MAX];
	struct packet p = make();
	put_number(&p, 1, 1);
	packet_begin(&p, 8, 2);
	packet_put(&p, much, sizeof(much));
	packet_put_u32(&p, 1);
	assert_int_equal(packet_commit(&p, NULL), 0);
	packet_lose(&p, 10);
	assert_int_equal(packet_seal(&p, NULL), 0);
	assert_int_equal(sink.packets[0].bytes, 12);
	assert_int_equal(sink.packets[0].header.discarded, 11);
	packet_deinit(&p);
}

static void losses_behind_the_last_event_are_told(void **state)
{
	(void)state;
	struct packet p = make();
	put_number(&p, 5, 1);
	assert_int_equal(packet_seal(&p, NULL), 0);
	packet_lose(&p, 3);
	assert_int_equal(packet_seal(&p, NULL), 0);
	assert_int_equal(packet_seal(&p, NULL), 0);
	assert_int_equal(sink.count, 2);
	assert_int_equal(sink.packets[1].bytes, 0);
	assert_int_equal(sink.packets[1].header.begin_ns, 5);
	assert_int_equal(sink.packets[1].header.end_ns, 5);
	assert_int_equal(sink.packets[1].header.discarded, 3);
	packet_deinit(&p);
}

static void a_gap_has_a_packet_of_its_own(void **state)
{
	(void)state;
	static const uint8_t payload[5] = "five";
	struct packet p = make();
	assert_int_equal(packet_gap(&p, 0, 900, NULL), 0);
	assert_int_equal(packet_add(&p, 3, 1000, 42, payload, sizeof(payload), NULL), 0);
	assert_int_equal(packet_add(&p, 3, 1100, 43, payload, sizeof(payload), NULL), 0);
	assert_int_equal(packet_gap(&p, 7, 2000, NULL), 0);
	assert_int_equal(packet_add(&p, 4, 1999, 44, payload, sizeof(payload), NULL), 0);
	assert_int_equal(packet_seal(&p, NULL), 0);
	assert_int_equal(sink.count, 3);
	assert_int_equal(sink.packets[0].header.tid, 42);
	assert_int_equal(sink.packets[0].bytes, 16 + 8 + 5);
	assert_memory_equal(sink.packets[0].body + 13, "\0\0\0", 3);
	const struct ring_packet *gap = &sink.packets[1].header;
	assert_int_equal(sink.packets[1].bytes, 0);
	assert_int_equal(gap->begin_ns, 1100);
	assert_int_equal(gap->end_ns, 2000);
	assert_int_equal(gap->discarded, 7);
	assert_int_equal(gap->tid, RING_TID_UNKNOWN);
	const struct ring_packet *after = &sink.packets[2].header;
	assert_int_equal(after->begin_ns, 2000);
	assert_int_equal(after->discarded, 7);
	assert_int_equal(after->tid, 44);
	assert_int_equal(word_at(&sink.packets[2], 0), RING_EVENT_WORD(4, 2000));
	packet_deinit(&p);
}

static void a_stream_begins_anew(void **state)
{
	(void)state;
	struct packet p = make();
	put_number(&p, 1000, 1);
	assert_int_equal(packet_gap(&p, 2, 1500, NULL), 0);
	put_number(&p, 2000, 2);
	packet_restart(&p);
	put_number(&p, 500, 3);
	assert_int_equal(packet_seal(&p, NULL), 0);
	assert_int_equal(sink.count, 3);
	assert_int_equal(sink.packets[2].header.sequence, 0);
	assert_int_equal(sink.packets[2].header.discarded, 0);
	assert_int_equal(sink.packets[2].header.begin_ns, 500);
	packet_deinit(&p);
}

static void the_sinks_word_is_passed_on(void **state)
{
	(void)state;
	struct packet p = make();
	sink.refuse = -EIO;
	put_number(&p, 5, 1);
	packet_begin(&p, 7, 5 + (1ull << 48));
	assert_int_equal(packet_commit(&p, NULL), -EIO);
	assert_int_equal(packet_seal(&p, NULL), -EIO);
	assert_int_equal(sink.count, 2);
	assert_int_equal(sink.packets[1].bytes, 8);
	packet_deinit(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_says_what_it_holds),
		cmocka_unit_test(full_packets_follow_each_other),
		cmocka_unit_test(time_never_goes_back),
		cmocka_unit_test(a_long_silence_begins_a_packet),
		cmocka_unit_test(a_long_string_is_cut_and_marked),
		cmocka_unit_test(text_ends_at_its_first_nul),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(losses_behind_the_last_event_are_told),
		cmocka_unit_test(a_gap_has_a_packet_of_its_own),
		cmocka_unit_test(a_stream_begins_anew),
		cmocka_unit_test(the_sinks_word_is_passed_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
