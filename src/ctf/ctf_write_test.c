/* SPDX-License-Identifier: MIT */
#include "packet/packet.h"
#include "ctf/ctf_write.h"
#include "util/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct ctf_stream_class streams[] = {{0, "kernel", true}, {2, "state", false}};
static struct ctf_trace trace = {
	.uuid = "uuid of the test",
	.streams = streams,
	.stream_count = 2,
	.clock = {.name = "monotonic"},
};

static char directory[64];

static int make_schema(void **state)
{
	struct schema *s;
	struct err e = {0};
	(void)state;
	if (schema_create(&s, &e))
		return -1;
	for (uint32_t stream = 0; stream <= 2; stream += 2) {
		struct type *payload = type_struct(s, 1);
		type_set_field(payload, 0, "n", type_integer(s, 32, false, 10));
		if (schema_add(s, stream, 1, "number", NULL, payload, NULL, &e))
			return -1;
	}
	trace.schema = s;
	return 0;
}

static int destroy_schema(void **state)
{
	(void)state;
	schema_destroy((struct schema *)trace.schema);
	return 0;
}

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/ctf_write_test.XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	char command[160];
	snprintf(command, sizeof(command), "rm -rf %s %s-2", directory, directory);
	return system(command);
}

static struct ctf_write *create(void)
{
	struct ctf_write *w = NULL;
	struct err e = {0};
	if (ctf_write_create(&w, directory, &trace, &e))
		fail_msg("%s", e.text);
	return w;
}

static struct ring_packet make_header(uint64_t begin_ns, uint64_t end_ns, uint64_t sequence)
{
	struct ring_packet header = {
		.magic = RING_CTF_MAGIC,
		.begin_ns = begin_ns,
		.end_ns = end_ns,
		.content_bits = (sizeof(header) + 12) * 8,
		.sequence = sequence,
		.cpu = 3,
	};
	memcpy(header.uuid, trace.uuid, 16);
	return header;
}

/* One event of 12 bytes at `first_ns`, in a sub-buffer with more behind it. */
static void put(struct ctf_write *w, const struct ring_packet *header, uint64_t first_ns)
{
	uint8_t body[100] = {0};
	uint64_t word = RING_EVENT_WORD(1, first_ns);
	memcpy(body, &word, sizeof(word));
	assert_int_equal(ctf_write_packet(w, header, body, sizeof(body), NULL), 0);
}

static struct ctf_write_totals totals_of(const struct ctf_write *w)
{
	struct ctf_write_totals totals;
	ctf_write_totals(w, &totals);
	return totals;
}

static size_t file_bytes(const char *name)
{
	char path[128];
	struct stat status;
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (stat(path, &status))
		return 0;
	assert_int_equal(status.st_mode & 0777, 0600);
	return (size_t)status.st_size;
}

static void read_header(const char *name, size_t at, struct ring_packet *ret)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, ret, sizeof(*ret), (off_t)at), sizeof(*ret));
	close(fd);
}

static void packets_are_trimmed_to_their_content(void **state)
{
	(void)state;
	struct ctf_write *w = create();
	struct ring_packet header = make_header(1000, 2000, 17);
	put(w, &header, 1000);
	header = make_header(2000, 2500, 18);
	put(w, &header, 2100);
	header.stream_id = 2;
	put(w, &header, 2100);
	struct ctf_write_totals totals = totals_of(w);
	ctf_write_destroy(w);
	assert_int_equal(file_bytes("kernel_3"), 2 * 96);
	assert_int_equal(file_bytes("state"), 96);
	read_header("kernel_3", 96, &header);
	assert_int_equal(header.packet_bits, 96 * 8);
	assert_int_equal(header.content_bits, 92 * 8);
	assert_int_equal(header.sequence, 18);
	assert_int_equal(totals.packets, 3);
	assert_int_equal(totals.bytes, 3 * 96);
	assert_int_equal(totals.trouble.code, 0);
}

static void an_occupied_place_is_refused(void **state)
{
	(void)state;
	struct ctf_write *w = create();
	struct err e = {0};
	assert_int_equal(ctf_write_metadata(w, &e), 0);
	assert_true(file_bytes("metadata") > 0);
	struct ctf_write *other;
	assert_int_equal(ctf_write_create(&other, directory, &trace, &e), -EEXIST);
	assert_non_null(strstr(e.text, "exists and is not an empty directory"));
	assert_int_equal(ctf_write_create_fresh(&other, directory, &trace, &e), 0);
	assert_string_equal(ctf_write_path(other) + strlen(directory), "-2");
	struct stat status;
	assert_int_equal(stat(ctf_write_path(other), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	ctf_write_destroy(other);
	ctf_write_destroy(w);
	assert_int_equal(ctf_write_create(&other, "/dev/null/x", &trace, &e), -ENOTDIR);
	assert_string_equal(e.text, "cannot make the trace directory /dev/null/x: Not a directory");
}

/* A ring's content ends where its next event would begin: readers would look for that event. */
static void padding_is_no_content(void **state)
{
	(void)state;
	struct ctf_write *w = create();
	struct ring_packet header = make_header(1000, 2000, 0);
	header.content_bits += 4 * 8;
	put(w, &header, 1000);
	read_header("kernel_3", 0, &header);
	assert_int_equal(header.content_bits, 92 * 8);
	assert_int_equal(totals_of(w).events, 1);
	assert_int_equal(totals_of(w).refused_packets, 0);
	ctf_write_destroy(w);
}

static void bytes_that_are_no_event_are_left_out(void **state)
{
	(void)state;
	struct ctf_write *w = create();
	struct ring_packet header = make_header(1000, 2000, 0);
	header.content_bits += 24 * 8;
	put(w, &header, 1000);
	read_header("kernel_3", 0, &header);
	assert_int_equal(header.content_bits, 92 * 8);
	struct ctf_write_totals totals = totals_of(w);
	assert_int_equal(totals.packets, 1);
	assert_int_equal(totals.refused_packets, 1);
	assert_string_equal(totals.trouble.text,
			    "packet 0 of cpu 3: no event begins at byte 12 of 36");
	ctf_write_destroy(w);
}

static void new_types_are_described_before_their_events(void **state)
{
	(void)state;
	struct ctf_write *w = create();
	struct ring_packet header = make_header(1000, 2000, 0);
	put(w, &header, 1000);
	size_t bytes = file_bytes("metadata");
	assert_true(bytes > 0);
	struct err e = {0};
	assert_int_equal(
		schema_add((struct schema *)trace.schema, 0, 400, "late", NULL, NULL, NULL, &e), 0);
	header = make_header(2000, 2000, 1);
	header.content_bits = (sizeof(header) + 8) * 8;
	uint64_t word = RING_EVENT_WORD(400, 2000);
	assert_int_equal(ctf_write_packet(w, &header, &word, sizeof(word), &e), 0);
	assert_true(file_bytes("metadata") > bytes);
	assert_int_equal(totals_of(w).events, 2);
	ctf_write_destroy(w);
}

static void a_late_begin_is_moved_behind_the_last_packet(void **state)
{
	(void)state;
	struct ctf_write *w = create();
	struct ring_packet header = make_header(1000, 2000, 0);
	put(w, &header, 1500);
	header = make_header(1900, 2500, 1);
	put(w, &header, 2000);
	read_header("kernel_3", 96, &header);
	assert_int_equal(header.begin_ns, 2000);
	assert_int_equal(totals_of(w).packets, 2);
	ctf_write_destroy(w);
}

static void refused(struct ctf_write *w, const struct ring_packet *header, uint64_t first_ns,
		    const char *why)
{
	uint64_t before = totals_of(w).refused_packets;
	size_t bytes = file_bytes("kernel_3");
	put(w, header, first_ns);
	struct ctf_write_totals totals = totals_of(w);
	assert_int_equal(totals.refused_packets, before + 1);
	assert_int_equal(file_bytes("kernel_3"), bytes);
	if (!before && !strstr(totals.trouble.text, why))
		fail_msg("%s", totals.trouble.text);
}

static void packets_readers_would_stumble_over_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *why;
		uint64_t begin_ns, end_ns, sequence, discarded, first_ns, content_bits;
		uint32_t stream_id, magic;
	} cases[] = {
		{"another trace", 2000, 2500, 2, 5, 2000, 736, 0, 1},
		{"which the trace has not", 2000, 2500, 2, 5, 2000, 736, 9, 0},
		{"of content in", 2000, 2500, 2, 5, 2000, 80 * 8 + 101 * 8, 0, 0},
		{"of content in", 2000, 2500, 2, 5, 2000, 79 * 8, 0, 0},
		{"of content in", 2000, 2500, 2, 5, 2000, 737, 0, 0},
		{"ends before it begins", 2500, 2400, 2, 5, 2400, 736, 0, 0},
		{"no event begins at byte 0 of 12", 2000, 2500, 2, 5, 2501, 736, 0, 0},
		{"no event begins at byte 0 of 12", 2000, 2500, 2, 5, 1999, 736, 0, 0},
		{"begins 1 ns before the last", 1900, 2500, 2, 5, 1999, 736, 0, 0},
		{"packet 1 (5 lost) after packet 1 (5", 2000, 2500, 1, 5, 2000, 736, 0, 0},
		{"packet 2 (4 lost) after packet 1 (5", 2000, 2500, 2, 4, 2000, 736, 0, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ctf_write *w = create();
		struct ring_packet header = make_header(1000, 2000, 1);
		header.discarded = 5;
		put(w, &header, 1500);
		header = make_header(cases[i].begin_ns, cases[i].end_ns, cases[i].sequence);
		header.discarded = cases[i].discarded;
		header.content_bits = cases[i].content_bits;
		header.stream_id = cases[i].stream_id;
		header.magic ^= cases[i].magic;
		refused(w, &header, cases[i].first_ns, cases[i].why);
		ctf_write_destroy(w);
		assert_int_equal(remove_directory(NULL), 0);
	}
}

/* What the first writer lost to its disk is in no ring: the packet it wrote last tells. */
static void a_resumed_trace_gets_what_it_lacks(void **state)
{
	(void)state;
	struct ctf_write *w = create();
	struct ring_packet header = make_header(1000, 2000, 7);
	header.discarded = 5;
	put(w, &header, 1500);
	ctf_write_destroy(w);
	assert_int_equal(ctf_write_resume(&w, directory, streams, 2, NULL), 0);
	header.discarded = 3;
	put(w, &header, 1500);
	assert_int_equal(totals_of(w).packets, 0);
	header = make_header(2000, 3000, 8);
	header.discarded = 4;
	put(w, &header, 2500);
	header.stream_id = 2;
	put(w, &header, 2500);
	assert_int_equal(totals_of(w).packets, 2);
	assert_int_equal(totals_of(w).refused_packets, 0);
	ctf_write_destroy(w);
	assert_int_equal(file_bytes("kernel_3"), 2 * 96);
	assert_int_equal(file_bytes("state"), 96);
	read_header("kernel_3", 96, &header);
	assert_int_equal(header.sequence, 8);
	assert_int_equal(header.discarded, 6);
}

static void a_damaged_trace_is_not_resumed(void **state)
{
	(void)state;
	char path[128];
	struct err e;
	struct ctf_write *w = create();
	struct ring_packet header = make_header(1000, 2000, 7);
	put(w, &header, 1500);
	ctf_write_destroy(w);
	snprintf(path, sizeof(path), "%s/kernel_3", directory);
	assert_int_equal(truncate(path, 90), 0);
	assert_int_equal(ctf_write_resume(&w, directory, streams, 2, NULL), 0);
	header = make_header(2000, 3000, 8);
	put(w, &header, 2500);
	assert_int_equal(totals_of(w).lost_packets, 1);
	assert_non_null(strstr(totals_of(w).trouble.text, "cannot go on with"));
	ctf_write_destroy(w);
	assert_int_equal(file_bytes("kernel_3"), 90);
	snprintf(path, sizeof(path), "%s/metadata", directory);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ctf_write_resume(&w, directory, streams, 2, &e), -ENOENT);
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
	const struct CMUnitTest tests[] = {
		IN_DIRECTORY(packets_are_trimmed_to_their_content),
		IN_DIRECTORY(padding_is_no_content),
		IN_DIRECTORY(bytes_that_are_no_event_are_left_out),
		IN_DIRECTORY(new_types_are_described_before_their_events),
		IN_DIRECTORY(an_occupied_place_is_refused),
		IN_DIRECTORY(a_late_begin_is_moved_behind_the_last_packet),
		IN_DIRECTORY(packets_readers_would_stumble_over_are_refused),
		IN_DIRECTORY(a_resumed_trace_gets_what_it_lacks),
		IN_DIRECTORY(a_damaged_trace_is_not_resumed),
	};
	return cmocka_run_group_tests(tests, make_schema, destroy_schema);
}
