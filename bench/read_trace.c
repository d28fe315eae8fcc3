/* SPDX-License-Identifier: MIT */
/*
 * How fast traces are read: `read_trace MILLIONS [DIR]`.
 *
 * Writes a trace of that many million events in the recorder's layout (16 or 24 bytes an event,
 * four cpus), then reads it back as an analysis does: every event in time order, two fields each.
 * Prints `metric value unit goal` for growing parts of the trace: the curve must be flat, in rate
 * and in memory. The trace stays in DIR for whoever compares other readers on it.
 */
#include "ctf/ctf_read.h"
#include "event/event.h"
#include "kernel/recorder_abi.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CPUS = 4, PACKET_BYTES = RECORDER_SUBBUF_BYTES };

static const char metadata[] =
	"/* CTF 1.8 */\n"
	"typealias integer { size = 8; align = 8; signed = false; } := u8;\n"
	"typealias integer { size = 16; align = 8; signed = false; } := u16;\n"
	"typealias integer { size = 32; align = 8; signed = false; } := u32;\n"
	"typealias integer { size = 64; align = 8; signed = false; } := u64;\n"
	"typealias integer { size = 32; align = 8; signed = true; } := s32;\n"
	"typealias integer { size = 64; align = 8; signed = false; base = 16; } := address;\n"
	"trace { major = 1; minor = 8; byte_order = le; packet.header := struct {\n"
	"  u32 magic; u8 uuid[16]; u32 stream_id; };\n"
	"  uuid = \"00000000-0000-0000-0000-000000000000\"; };\n"
	"env { domain = \"kernel\"; };\n"
	"clock { name = \"monotonic\"; freq = 1000000000; };\n"
	"typealias integer { size = 64; align = 8; map = clock.monotonic.value; } := time_u64;\n"
	"stream { id = 0; event.header := struct {\n"
	"    integer { size = 16; align = 64; } id;\n"
	"    integer { size = 48; map = clock.monotonic.value; } timestamp; };\n"
	"  packet.context := struct { time_u64 timestamp_begin; time_u64 timestamp_end;\n"
	"    u64 content_size; u64 packet_size; u64 packet_seq_num; u64 events_discarded;\n"
	"    u32 cpu_id; u32 tid; }; };\n"
	"event { name = \"sched_switch\"; id = 1; stream_id = 0; fields := struct {\n"
	"  s32 _prev_tid; s32 _next_tid; u16 _prev_state; u8 _prev_prio; u8 _next_prio; }; };\n"
	"event { name = \"sched_waking\"; id = 3; stream_id = 0; fields := struct {\n"
	"  s32 _tid; integer { size = 16; align = 8; signed = true; } _target_cpu;\n"
	"  u8 _prio; u8 _context; }; };\n"
	"event { name = \"softirq_entry\"; id = 8; stream_id = 0; fields := struct { u32 _vec; }; "
	"};\n"
	"event { name = \"workqueue_queue_work\"; id = 15; stream_id = 0; fields := struct {\n"
	"  address _work; address _function; }; };\n";

/* A cpu's packet being filled, and its file. */
struct writer {
	int fd;
	uint64_t sequence;
	size_t used;
	uint8_t packet[PACKET_BYTES] __attribute__((aligned(8)));
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void seal(struct writer *w, uint32_t cpu, uint64_t end_ns)
{
	struct ring_packet *header = (struct ring_packet *)w->packet;
	header->magic = RING_CTF_MAGIC;
	header->end_ns = end_ns;
	header->content_bits = 8 * w->used;
	header->packet_bits = 8 * PACKET_BYTES;
	header->sequence = w->sequence++;
	header->cpu = cpu;
	header->tid = 100 + cpu;
	if (write(w->fd, w->packet, PACKET_BYTES) != PACKET_BYTES)
		fail("write");
	memset(w->packet, 0, PACKET_BYTES);
	w->used = 0;
}

/* A round of what a busy cpu does; `n` chooses. */
static size_t put_event(uint8_t *at, uint64_t time_ns, uint64_t n)
{
	static const uint16_t ids[4] = {RECORDER_SWITCH, RECORDER_WAKING, RECORDER_SOFTIRQ_ENTRY,
					RECORDER_WORK_QUEUE};
	const uint64_t word = RING_EVENT_WORD(ids[n % 4], time_ns);
	memcpy(at, &word, sizeof(word));
	at += sizeof(word);
	if (n % 4 == 0) {
		struct recorder_switch e = {(int)(n % 97), (int)((n + 4) % 97), 1, 120, 120};
		memcpy(at, &e, sizeof(e));
		return 8 + sizeof(e);
	}
	if (n % 4 == 1) {
		struct recorder_waking e = {(int)(n % 97), 1, 120, 0};
		memcpy(at, &e, sizeof(e));
		return 8 + sizeof(e);
	}
	if (n % 4 == 2) {
		struct recorder_softirq e = {(uint32_t)(n % 10)};
		memcpy(at, &e, sizeof(e));
		return 8 + sizeof(e);
	}
	struct recorder_work e = {0xffff888000000000 + n, 0xffffffff81000000};
	memcpy(at, &e, sizeof(e));
	return 8 + sizeof(e);
}

/* Cpus take turns of 1 to 8 events, as they do. */
static void write_trace(const char *directory, uint64_t events)
{
	static struct writer writers[CPUS];
	char path[4096];
	mkdir(directory, 0700);
	snprintf(path, sizeof(path), "%s/metadata", directory);
	FILE *out = fopen(path, "w");
	if (!out || fputs(metadata, out) < 0 || fclose(out))
		fail(path);
	for (int cpu = 0; cpu < CPUS; cpu++) {
		snprintf(path, sizeof(path), "%s/kernel_%d", directory, cpu);
		writers[cpu].fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		if (writers[cpu].fd < 0)
			fail(path);
	}
	uint64_t time_ns = 1000000000, random = 1;
	for (uint64_t n = 0, turn = 0, cpu = 0; n < events; n++, turn--) {
		if (!turn) {
			random = random * 6364136223846793005u + 1;
			cpu = random >> 40 & (CPUS - 1);
			turn = 1 + (random >> 50) % 8;
		}
		struct writer *w = &writers[cpu];
		time_ns += 200;
		if (w->used + 64 > PACKET_BYTES)
			seal(w, (uint32_t)cpu, time_ns);
		if (!w->used) {
			((struct ring_packet *)w->packet)->begin_ns = time_ns;
			w->used = sizeof(struct ring_packet);
		}
		w->used = (w->used + 7) & ~(size_t)7;
		w->used += put_event(w->packet + w->used, time_ns, n);
	}
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		if (writers[cpu].used)
			seal(&writers[cpu], cpu, time_ns);
		close(writers[cpu].fd);
	}
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The most it ever was; parts are measured from the small to the large. */
static double memory_mb(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss / 1024;
}

/* What an analysis does at the least: look at the kind, take two fields. */
static uint64_t read_events(struct source *s, uint64_t limit, uint64_t *sum_ret)
{
	struct event e;
	struct err err;
	uint64_t n = 0, sum = 0;
	for (; n < limit && source_next(s, &e, &err) > 0; n++) {
		switch (e.type->kind) {
		case EVENT_SCHED_SWITCH:
			sum += event_uint(&e, SWITCH_PREV_TID) + event_uint(&e, SWITCH_NEXT_TID);
			break;
		case EVENT_SCHED_WAKING:
			sum += event_uint(&e, WAKING_TID) + event_uint(&e, WAKING_CONTEXT);
			break;
		case EVENT_WORK_QUEUE:
			sum += event_uint(&e, WORK_QUEUE_WORK) + e.time_ns;
			break;
		default:
			sum += (uint64_t)e.tid;
		}
	}
	*sum_ret = sum;
	return n;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(const char *directory, uint64_t millions)
{
	enum { RUNS = 3 };
	double rates[RUNS];
	for (int run = 0; run < RUNS; run++) {
		struct source *s;
		struct err e;
		uint64_t sum;
		double start = now();
		if (ctf_open(&s, directory, NULL, &e)) {
			fprintf(stderr, "read_trace: %s\n", e.text);
			exit(1);
		}
		uint64_t n = read_events(s, millions * 1000000, &sum);
		rates[run] = (double)n / (now() - start) / 1e6;
		if (n != millions * 1000000 || ctf_warning_count(s))
			printf("# %" PRIu64 " events, %" PRIu64 " warnings\n", n,
			       ctf_warning_count(s));
		source_close(s);
	}
	qsort(rates, RUNS, sizeof(rates[0]), compare_doubles);
	printf("read_%" PRIu64 "M_events  %.1f  M/s  50\n", millions, rates[RUNS / 2]);
	printf("read_%" PRIu64 "M_memory  %.1f  MB  64\n", millions, memory_mb());
}

int main(int argc, char **argv)
{
	uint64_t millions = argc > 1 ? strtoull(argv[1], NULL, 10) : 8;
	const char *directory = argc > 2 ? argv[2] : "build/bench/trace";
	setvbuf(stdout, NULL, _IOLBF, 0);
	write_trace(directory, millions * 1000000);
	for (uint64_t part = millions >= 8 ? millions / 8 : millions; part <= millions; part *= 2)
		measure(directory, part);
	return 0;
}
