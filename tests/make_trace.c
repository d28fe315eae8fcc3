/* SPDX-License-Identifier: MIT */
/*
 * Writes traces for tests, and says on stdout what is in them, as babeltrace2 would print it.
 *
 *	make_trace small DIR              two cpus and the state stream, every kind of field
 *	make_trace fill DIR PACKETS FILE  packets of 64 kB; removes FILE half way, which makes room
 *	make_trace flood DIR FILE         the same without end; counts packets of each cpu in FILE
 */
#include "packet/packet.h"
#include "ctf/ctf_write.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CPUS = 2, NUMBER = 1, EVERYTHING = 2, NOTE = 3 };

static const struct ctf_stream_class streams[] = {
	{0, "kernel", true},
	{1, "life", true},
	{2, "state", false},
};
static const struct ctf_fact facts[] = {
	{"hostname", "a \"quoted\" \\ name", 0},
	{"domain", "kernel", 0},
	{"tracer_name", "cairn", 0},
	{"tracer_major", NULL, 0},
};
static struct ctf_trace trace = {
	.uuid = "\x01\x23\x45\x67\x89\xab\xcd\xef"
		"testing",
	.streams = streams,
	.stream_count = 3,
	.facts = facts,
	.fact_count = 4,
	.clock = {.name = "monotonic",
		  .description = "since boot",
		  .offset_ns = 1700000000000000000},
};

static void check(int r, const struct err *e)
{
	if (!r)
		return;
	fprintf(stderr, "make_trace: %s\n", e->text);
	exit(1);
}

static struct type *describe_everything(struct schema *s)
{
	static const struct type_label labels[] = {
		{0, 0, "none"}, {1, 7, "some"}, {8, 9, "\"all\""}};
	struct type *level = type_integer(s, 16, true, 10);
	level->integer.labels = labels;
	level->integer.label_count = 3;
	struct type *payload = type_struct(s, 8);
	type_set_field(payload, 0, "addr", type_integer(s, 64, false, 16));
	type_set_field(payload, 1, "level", level);
	type_set_field(payload, 2, "string", type_string(s));
	type_set_field(payload, 3, "comm", type_text(s, 16));
	type_set_field(payload, 4, "count", type_integer(s, 8, false, 10));
	type_set_field(payload, 5, "ips",
		       type_sequence(s, type_integer(s, 64, false, 16), "count"));
	type_set_field(payload, 6, "pair", type_array(s, type_integer(s, 8, true, 10), 2));
	type_set_field(payload, 7, "event", type_string(s));
	return payload;
}

static void describe(struct schema **ret)
{
	struct err e;
	struct schema *s = NULL;
	check(schema_create(&s, &e), &e);
	struct type *number = type_struct(s, 1);
	struct type *note = type_struct(s, 1);
	type_set_field(number, 0, "n", type_integer(s, 32, false, 10));
	type_set_field(note, 0, "text", type_string(s));
	check(schema_add(s, 0, NUMBER, "number", NULL, number, NULL, &e), &e);
	check(schema_add(s, 0, EVERYTHING, "every:thing", NULL, describe_everything(s), NULL, &e),
	      &e);
	check(schema_add(s, 2, NOTE, "note", NULL, note, NULL, &e), &e);
	*ret = s;
}

static void put_number(struct packet *p, uint64_t time_ns, uint32_t n)
{
	packet_begin(p, NUMBER, time_ns);
	packet_put_u32(p, n);
	packet_commit(p, NULL);
}

static void tell(const struct packet *p, uint64_t time_ns, const char *name)
{
	printf("[%020" PRIu64 "] a \"quoted\" \\ name %s: ", time_ns, name);
	if (p->header.stream_id == 0)
		printf("{ cpu_id = %u, tid = %u }, ", p->header.cpu, p->header.tid);
	else
		printf("{ reserved_1 = 0, reserved_2 = 0 }, ");
}

static void put_everything(struct packet *p, uint64_t time_ns, uint8_t count)
{
	char comm[16] = {0};
	packet_begin(p, EVERYTHING, time_ns);
	packet_put_u64(p, 0xffffffff81000000 + count);
	packet_put_u16(p, count);
	packet_put_string(p, "a \"string\" €");
	snprintf(comm, sizeof(comm), "thread %u", count);
	packet_put(p, comm, sizeof(comm));
	packet_put_u8(p, count);
	for (uint64_t i = 0; i < count; i++)
		packet_put_u64(p, 0x401000 + i);
	packet_put_u16(p, 0x02ff);
	packet_put_string(p, "");
	packet_commit(p, NULL);
	const char *label = !count ? "\"none\"" : count < 8 ? "\"some\"" : "\"\\\"all\\\"\"";
	tell(p, time_ns, "every:thing");
	printf("{ addr = 0xFFFFFFFF810000%02X, level = ( %s : container = %u ), "
	       "string = \"a \\\"string\\\" €\", comm = \"thread %u\", count = %u, ips = [ ",
	       count, label, count, count, count);
	for (unsigned i = 0; i < count; i++)
		printf("%s[%u] = 0x%X", i ? ", " : "", i, 0x401000 + i);
	printf("%s], pair = [ [0] = -1, [1] = 2 ], event = \"\" }\n", count ? " " : "");
}

static void write_small(struct ctf_write *w)
{
	struct packet packets[CPUS + 1];
	struct err e;
	for (uint32_t cpu = 0; cpu <= CPUS; cpu++) {
		check(packet_init(&packets[cpu], trace.uuid, cpu == CPUS ? 2 : 0,
				  cpu == CPUS ? 0 : cpu, ctf_write_packet, w, &e),
		      &e);
		packets[cpu].tid = cpu == CPUS ? 0 : 100 + cpu;
	}
	/* Times beyond 48 bits, and a silence that 48 bits cannot tell. */
	uint64_t time_ns = (3ull << 48) - 40;
	for (unsigned i = 0; i < 24; i++, time_ns += i == 20 ? 1ull << 49 : 7) {
		struct packet *p = &packets[i % CPUS];
		if (i % 5 == 4) {
			struct packet *state = &packets[CPUS];
			packet_begin(state, NOTE, time_ns);
			packet_put_string(state, "noted");
			packet_commit(state, NULL);
			tell(state, time_ns, "note");
			printf("{ text = \"noted\" }\n");
		} else if (i % 3 == 0) {
			put_everything(p, time_ns, (uint8_t)(i % 10));
		} else {
			put_number(p, time_ns, i);
			tell(p, time_ns, "number");
			printf("{ n = %u }\n", i);
		}
		if (i % 5 == 2)
			packet_seal(p, NULL);
	}
	for (uint32_t cpu = 0; cpu <= CPUS; cpu++) {
		packet_seal(&packets[cpu], NULL);
		packet_deinit(&packets[cpu]);
	}
}

/* Full packets to each cpu in turn; `counts` learns of each that was handed over. */
static void write_many(struct ctf_write *w, uint64_t packets, const char *ballast,
		       volatile uint64_t *counts)
{
	struct packet p[CPUS];
	struct err e;
	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		check(packet_init(&p[cpu], trace.uuid, 0, cpu, ctf_write_packet, w, &e), &e);
	uint64_t time_ns = 1;
	for (uint64_t i = 0; i < packets; i++) {
		struct packet *packet = &p[i % CPUS];
		uint64_t before = packet->header.sequence;
		for (; packet->header.sequence == before; time_ns++)
			put_number(packet, time_ns, (uint32_t)time_ns);
		if (counts)
			counts[i % CPUS]++;
		if (ballast && i == packets / 2)
			unlink(ballast);
	}
	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		packet_deinit(&p[cpu]);
}

static uint64_t *map_counts(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, 4096))
		return NULL;
	uint64_t *counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return counts == MAP_FAILED ? NULL : counts;
}

int main(int argc, char **argv)
{
	struct ctf_write *w = NULL;
	struct schema *schema;
	struct err e;
	if (argc < 3)
		return 2;
	signal(SIGXFSZ, SIG_IGN);
	describe(&schema);
	trace.schema = schema;
	check(ctf_write_create(&w, argv[2], &trace, &e), &e);
	check(ctf_write_metadata(w, &e), &e);
	if (!strcmp(argv[1], "small"))
		write_small(w);
	else if (!strcmp(argv[1], "fill") && argc == 5)
		write_many(w, strtoull(argv[3], NULL, 10), argv[4], NULL);
	else if (!strcmp(argv[1], "flood") && argc == 4)
		write_many(w, UINT64_MAX, NULL, map_counts(argv[3]));
	else
		return 2;
	struct ctf_write_totals totals;
	ctf_write_totals(w, &totals);
	fprintf(stderr,
		"written %" PRIu64 " lost %" PRIu64 " refused %" PRIu64 " events %" PRIu64 " %s\n",
		totals.packets, totals.lost_packets, totals.refused_packets, totals.events,
		totals.trouble.text);
	ctf_write_destroy(w);
	schema_destroy(schema);
	return 0;
}
