/* SPDX-License-Identifier: MIT */
/*
 * Threads write into the rings, with handlers that interrupt them and write too, on cpus that
 * change under them, and are killed at any moment: what is in the file then must be whole.
 *
 *	race ROUNDS THREADS PROCESSES LANES
 *
 * Prints what it found; exit status 1 when anything is torn, missing or out of order. An event
 * carries its writer, a number that grows by one, and a hash of both. Every LANESth thread uses
 * lanes instead of restartable sequences (0: none does).
 */
#include "ring/ring_read.h"
#include "ring/ring_write.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	WRITERS_MAX = 64, /* a thread and its handler are two */
	SUBBUF_BYTES = 4096,
	RING_BYTES = 256 << 10,
	ROUND_US_MAX = 30000,
};

uint32_t ring_pause[4];

struct race_event {
	uint32_t writer;
	uint32_t filler;
	uint64_t number;
	uint64_t hash;
};

static struct {
	_Atomic uint64_t written[WRITERS_MAX];
	_Atomic uint64_t time[WRITERS_MAX]; /* just before the last of them */
} * acknowledged;
static struct ring_share *share;
static uint64_t share_bytes;
static struct ring_writer writer;
static uint32_t generation = 1;
static uint16_t event_id = RING_ID_FIRST;
static unsigned thread_count, process_count, lane_share;
static __thread struct ring_thread self;
static __thread unsigned self_writer;

struct verdict {
	uint64_t events, torn, missing, disorder;
};

static uint64_t hash_of(uint64_t writer_index, uint64_t number)
{
	uint64_t x =
		(number + 1) * 0x9e3779b97f4a7c15ull ^ (writer_index + 7) * 0xc2b2ae3d27d4eb4full;
	return x ^ x >> 29;
}

static void emit(unsigned index)
{
	uint64_t number = atomic_load_explicit(&acknowledged->written[index], memory_order_relaxed);
	uint64_t time = __builtin_ia32_rdtsc();
	struct race_event event[2] = {{index, (uint32_t)number, number, hash_of(index, number)}};
	enum ring_status status =
		ring_write(&self, &generation, &event_id, event, sizeof(event[0]));
	if (status != RING_DONE)
		return;
	atomic_store_explicit(&acknowledged->time[index], time, memory_order_relaxed);
	atomic_store_explicit(&acknowledged->written[index], number + 1, memory_order_relaxed);
}

static void on_alarm(int signal)
{
	(void)signal;
	if (self.writer)
		emit(self_writer + 1);
}

static void *write_events(void *argument)
{
	unsigned index = (unsigned)(uintptr_t)argument, seed = index + (unsigned)getpid();
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
	struct itimerspec every = {{0, 100000 + (long)(index % 7) * 50000}, {0, 50000}};
	timer_t timer;
	event._sigev_un._tid = gettid();
	self_writer = 2 * index;
	bool uses_lanes = lane_share && index % lane_share == 0;
	self = (struct ring_thread){
		.writer = &writer,
		.owner = (uint64_t)getpid() << 32 | (uint64_t)gettid(),
		.rseq = uses_lanes ? &ring_no_rseq
				   : (struct ring_rseq *)((char *)__builtin_thread_pointer() +
							  __rseq_offset),
		.generation = generation,
	};
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
		timer_settime(timer, 0, &every, NULL);
	for (uint64_t i = 0;; i++) {
		emit(self_writer);
		if (i % 512)
			continue;
		cpu_set_t cpus;
		CPU_ZERO(&cpus);
		CPU_SET((unsigned)rand_r(&seed) % (unsigned)get_nprocs(), &cpus);
		sched_setaffinity(0, sizeof(cpus), &cpus);
		ring_pause[rand_r(&seed) % 3] =
			rand_r(&seed) % 4 ? 0 : (uint32_t)rand_r(&seed) % 300;
	}
	return NULL;
}

static void run_writers(unsigned process)
{
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	sigaction(SIGALRM, &action, NULL);
	for (unsigned i = 0; i < thread_count; i++) {
		pthread_t thread;
		pthread_create(&thread, NULL, write_events,
			       (void *)(uintptr_t)(process * thread_count + i));
	}
	for (;;)
		pause();
}

static void make_rings(void)
{
	memset(share, 0, sizeof(*share));
	memset(ring_share_lines(share), 0, RING_LINES_MAX * sizeof(struct ring_line));
	memset(ring_share_data(share), 0xa5, share_bytes - RING_DATA_AT);
	*share = (struct ring_share){
		.magic = RING_SHARE_MAGIC,
		.version = RING_SHARE_VERSION,
		.flags = RING_OVERWRITE | RING_TICKS,
		.cpus = (uint32_t)get_nprocs_conf(),
		.lanes = 8,
		.ring_bytes = RING_BYTES,
		.subbuf_bytes = SUBBUF_BYTES,
		.cpu_stream = 3,
		.lane_stream = 4,
	};
	ring_share_start(share);
	ring_writer_init(&writer, share, share, NULL);
	memset(acknowledged, 0, sizeof(*acknowledged));
}

struct found {
	uint64_t time, number;
	uint32_t writer;
	uint32_t line;
};

static struct found *found;
static size_t found_count;
enum { FOUND_MAX = 1 << 20 };

static void read_packet(const struct ring_packet *packet, uint64_t bytes, uint32_t line,
			uint64_t *last, struct verdict *v)
{
	const uint8_t *at = (const uint8_t *)(packet + 1), *end = (const uint8_t *)packet + bytes;
	uint64_t time = packet->begin_ns;
	v->disorder += packet->begin_ns < *last;
	while (at + 8 <= end) {
		uint64_t word;
		memcpy(&word, at, 8);
		uint16_t id = (uint16_t)word;
		size_t size = 8 + (id == RING_ID_THREAD ? sizeof(struct ring_thread_event)
							: sizeof(struct race_event));
		if ((id != RING_ID_THREAD && id != RING_ID_FIRST) || at + size > end) {
			v->torn++;
			return;
		}
		time = RING_EVENT_TIME(word, time);
		v->disorder += time < *last || time > packet->end_ns;
		*last = time;
		if (id == RING_ID_FIRST) {
			struct race_event e;
			memcpy(&e, at + 8, sizeof(e));
			if (e.writer >= WRITERS_MAX || e.hash != hash_of(e.writer, e.number) ||
			    e.filler != (uint32_t)e.number)
				v->torn++;
			else if (found_count < FOUND_MAX)
				found[found_count++] =
					(struct found){time, e.number, e.writer, line};
			v->events++;
		}
		at += (size + 7) & ~(size_t)7;
	}
}

/* From when on all that was written must be there. */
static uint64_t read_lines(const struct ring_view *view, struct verdict *v)
{
	uint64_t whole_from = 0;
	for (uint32_t line = 0; line < view->line_count; line++) {
		static uint64_t copy[SUBBUF_BYTES / 8];
		uint64_t first, open, open_bytes, last = 0;
		ring_view_span(view, line, &first, &open, &open_bytes);
		for (uint64_t n = first; n < open + (open_bytes != 0); n++) {
			uint64_t bytes =
				ring_view_copy(view, line, n, n == open ? open_bytes : 0, copy);
			if (!bytes) {
				v->torn++;
				continue;
			}
			const struct ring_packet *packet = (const struct ring_packet *)copy;
			if (n == first && first > view->subbufs && packet->begin_ns > whole_from)
				whole_from = packet->begin_ns;
			read_packet(packet, bytes, line, &last, v);
		}
	}
	return whole_from;
}

static int by_writer_and_number(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	if (x->writer != y->writer)
		return x->writer < y->writer ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void check(struct verdict *v)
{
	struct ring_view view;
	found_count = 0;
	if (!ring_view_init(&view, share, share_bytes)) {
		v->torn++;
		return;
	}
	uint64_t whole_from = read_lines(&view, v), seen[WRITERS_MAX] = {0};
	qsort(found, found_count, sizeof(*found), by_writer_and_number);
	for (size_t i = 0; i < found_count; i++) {
		const struct found *f = &found[i], *before = i ? &found[i - 1] : f;
		seen[f->writer] = f->number + 1;
		if (i == 0 || before->writer != f->writer || before->time < whole_from)
			continue;
		v->missing += f->number != before->number + 1;
		v->disorder += f->time < before->time;
	}
	for (unsigned i = 0; i < WRITERS_MAX; i++) {
		/* The last one may have been overwritten on a cpu where others write much. */
		if (seen[i] < acknowledged->written[i] && acknowledged->time[i] >= whole_from)
			v->missing++;
	}
}

static void play_round(unsigned seed, struct verdict *v)
{
	pid_t pids[8];
	make_rings();
	for (unsigned i = 0; i < process_count; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			run_writers(i);
	}
	usleep(5000 + (unsigned)rand_r(&seed) % ROUND_US_MAX);
	for (unsigned i = 0; i < process_count; i++)
		kill(pids[i], SIGKILL);
	for (unsigned i = 0; i < process_count; i++)
		waitpid(pids[i], NULL, 0);
	check(v);
}

static void *shared(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 20;
	struct verdict v = {0};
	thread_count = argc > 2 ? (unsigned)atoi(argv[2]) : 8;
	process_count = argc > 3 ? (unsigned)atoi(argv[3]) : 1;
	lane_share = argc > 4 ? (unsigned)atoi(argv[4]) : 0;
	if (2 * thread_count * process_count > WRITERS_MAX || process_count > 8)
		return 2;
	share_bytes = ring_share_bytes((uint32_t)get_nprocs_conf() + 8, RING_BYTES);
	share = shared(share_bytes);
	acknowledged = shared(sizeof(*acknowledged));
	found = malloc(FOUND_MAX * sizeof(*found));
	if (share == MAP_FAILED || acknowledged == MAP_FAILED || !found)
		return 2;
	uint64_t written = 0;
	for (unsigned i = 0; i < rounds; i++) {
		play_round(i * 2654435761u, &v);
		for (unsigned w = 0; w < WRITERS_MAX; w++)
			written += acknowledged->written[w];
	}
	printf("%u rounds, %u processes of %u threads: %llu events written, %llu checked: "
	       "%llu torn, %llu missing, %llu out of order\n",
	       rounds, process_count, thread_count, (unsigned long long)written,
	       (unsigned long long)v.events, (unsigned long long)v.torn,
	       (unsigned long long)v.missing, (unsigned long long)v.disorder);
	return v.torn || v.missing || v.disorder;
}
