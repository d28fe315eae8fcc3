/* SPDX-License-Identifier: MIT */
/* The BPF rung for real: needs the rights to load BPF programs, skips without. */
#include "kernel/rung.h"
#include "kernel/stack_source.h"
#include "util/test.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 20000 };

struct tally {
	uint64_t entries, exits, forks, packets;
	uint64_t last_end_ns[2][64];
	uint64_t disorder;
	pid_t self;
};

/* Sizes of the fixed records the test meets; the others end the walk of a packet. */
static size_t record_bytes(uint16_t id)
{
	switch (id) {
	case RECORDER_SYSCALL_ENTRY:
		return sizeof(struct recorder_syscall_entry);
	case RECORDER_SYSCALL_EXIT:
		return sizeof(struct recorder_syscall_exit);
	case RECORDER_FORK:
		return sizeof(struct recorder_fork);
	case RECORDER_EXIT:
		return sizeof(struct recorder_exit);
	default:
		return 0;
	}
}

static int count(void *context, const struct ring_packet *header, const void *body,
		 size_t body_bytes, struct err *e)
{
	(void)e;
	struct tally *t = context;
	t->packets++;
	assert_int_equal(header->magic, RING_CTF_MAGIC);
	assert_int_equal(header->content_bits, (sizeof(*header) + body_bytes) * 8);
	uint64_t last_ns = header->begin_ns;
	t->disorder += header->begin_ns < t->last_end_ns[header->stream_id][header->cpu];
	for (size_t at = 0; at + 8 <= body_bytes;) {
		uint64_t word;
		memcpy(&word, (const char *)body + at, 8);
		uint16_t id = (uint16_t)word;
		uint64_t time_ns = RING_EVENT_TIME(word, header->begin_ns);
		t->disorder += time_ns < last_ns;
		last_ns = time_ns;
		t->entries += id == RECORDER_SYSCALL_ENTRY;
		t->exits += id == RECORDER_SYSCALL_EXIT;
		if (id == RECORDER_FORK) {
			struct recorder_fork fork;
			memcpy(&fork, (const char *)body + at + 8, sizeof(fork));
			t->forks += fork.parent_pid == t->self;
		}
		size_t bytes = record_bytes(id);
		assert_true(bytes);
		at += (8 + bytes + 7) & ~(size_t)7;
	}
	t->disorder += header->end_ns < last_ns;
	t->last_end_ns[header->stream_id][header->cpu] = header->end_ns;
	return 0;
}

static struct rung *open_or_skip(const struct plan *plan)
{
	struct err e;
	struct rung *rung;
	int status = rung_bpf.open(&rung, plan, &e);
	if (status == -EPERM) {
		print_message("needs CAP_BPF and CAP_PERFMON: %s\n", e.text);
		skip();
	}
	if (status < 0)
		fail_msg("%s", e.text);
	return rung;
}

static void every_call_of_a_target_is_recorded(void **state)
{
	(void)state;
	pid_t self = getpid();
	struct plan plan = {.syscalls = true,
			    .only_targets = true,
			    .ring_bytes = 4 << 20,
			    .targets = &self,
			    .target_count = 1};
	struct rung *rung = open_or_skip(&plan);
	struct err e;
	struct tally t = {.self = self};
	assert_int_equal(rung->start(rung, &e), 0);
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	assert_int_equal(rung->stop(rung, &e), 0);
	assert_int_equal(rung->drain(rung, true, count, &t, &e), 0);
	struct rung_totals totals;
	rung->totals(rung, &totals);
	rung->close(rung);
	assert_in_range(t.entries, CALLS, CALLS + 200);
	assert_in_range(t.exits, CALLS, CALLS + 200);
	assert_int_equal(t.disorder, 0);
	assert_int_equal(totals.lost, 0);
}

static void what_does_not_fit_is_counted(void **state)
{
	(void)state;
	pid_t self = getpid();
	struct plan plan = {.syscalls = true,
			    .only_targets = true,
			    .ring_bytes = 4 * RECORDER_SUBBUF_BYTES,
			    .targets = &self,
			    .target_count = 1};
	struct rung *rung = open_or_skip(&plan);
	struct err e;
	struct tally t = {.self = self};
	assert_int_equal(rung->start(rung, &e), 0);
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	assert_int_equal(rung->stop(rung, &e), 0);
	assert_int_equal(rung->drain(rung, true, count, &t, &e), 0);
	struct rung_totals totals;
	rung->totals(rung, &totals);
	rung->close(rung);
	assert_true(totals.lost > 0);
	assert_in_range(t.entries + t.exits + totals.lost, 2 * CALLS, 2 * CALLS + 400);
}

static void a_flight_recorder_keeps_the_newest(void **state)
{
	(void)state;
	pid_t self = getpid();
	struct plan plan = {.syscalls = true,
			    .only_targets = true,
			    .overwrite = true,
			    .ring_bytes = 4 * RECORDER_SUBBUF_BYTES,
			    .targets = &self,
			    .target_count = 1};
	struct rung *rung = open_or_skip(&plan);
	struct err e;
	struct tally t = {.self = self};
	assert_int_equal(rung->start(rung, &e), 0);
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	assert_int_equal(rung->snapshot(rung, count, &t, &e), 0);
	struct rung_totals totals;
	rung->totals(rung, &totals);
	rung->close(rung);
	assert_int_equal(totals.lost, 0);
	assert_int_equal(t.disorder, 0);
	assert_in_range(t.entries + t.exits, 3 * RECORDER_SUBBUF_BYTES / 16 - 100, 2 * CALLS);
}

static int no_table(void *context, struct unwind_image *ret, int fd, const char *name,
		    struct err *e)
{
	(void)context;
	(void)ret;
	(void)fd;
	return err_set(e, ENODATA, "%s: has no table", name);
}

static const struct stack_source no_tables = {.build = no_table};

static int count_sites(void *context, const struct ring_packet *header, const void *body,
		       size_t body_bytes, struct err *e)
{
	(void)e;
	size_t *found = context;
	uint32_t self = (uint32_t)getpid();
	for (size_t at = 0; header->stream_id == RECORDER_STREAM_EVENTS && at + 32 <= body_bytes;
	     at += 8) {
		uint64_t word;
		struct recorder_site site;
		memcpy(&word, (const char *)body + at, sizeof(word));
		memcpy(&site, (const char *)body + at + 8, offsetof(struct recorder_site, ips[1]));
		*found += (uint16_t)word == RECORDER_SITE && site.pid == (int32_t)self &&
			  site.syscall == SYS_clock_nanosleep && site.count >= 1;
	}
	return 0;
}

/* The kernel's verifier sees the walker only with stacks on. */
static void sleepers_have_sites(void **state)
{
	(void)state;
	struct plan plan = {.waits = true,
			    .stacks = true,
			    .overwrite = true,
			    .unwind = &no_tables,
			    .ring_bytes = 4 << 20};
	struct rung *rung = open_or_skip(&plan);
	struct err e;
	size_t found = 0;
	assert_int_equal(rung->start(rung, &e), 0);
	for (int i = 0; i < 20; i++) {
		usleep(5000);
		rung->service(rung);
	}
	assert_int_equal(rung->stop(rung, &e), 0);
	assert_int_equal(rung->snapshot(rung, count_sites, &found, &e), 0);
	rung->close(rung);
	assert_true(found > 0);
}

struct family {
	pid_t self;
	unsigned births, deaths;
};

static void note(void *context, enum recorder_event id, uint64_t time_ns, const void *payload)
{
	struct family *f = context;
	const struct recorder_fork *fork = payload;
	const struct recorder_exit *gone = payload;
	assert_true(time_ns);
	f->births += id == RECORDER_FORK && fork->parent_pid == f->self;
	f->deaths += id == RECORDER_EXIT && !strcmp(gone->comm, "cairn-child");
}

static void news_of_births_come_once(void **state)
{
	(void)state;
	struct plan plan = {.waits = true, .overwrite = true, .ring_bytes = 1 << 20};
	struct rung *rung = open_or_skip(&plan);
	struct err e;
	struct family f = {.self = getpid()};
	assert_int_equal(rung->start(rung, &e), 0);
	for (int i = 0; i < 100; i++) {
		pid_t child = fork();
		if (child == 0) {
			prctl(PR_SET_NAME, "cairn-child");
			_exit(0);
		}
		waitpid(child, NULL, 0);
		if (i % 7 == 0)
			assert_int_equal(rung->news(rung, note, &f, &e), 0);
	}
	assert_int_equal(rung->news(rung, note, &f, &e), 0);
	rung->close(rung);
	assert_int_equal(f.births, 100);
	assert_int_equal(f.deaths, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_of_a_target_is_recorded),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(a_flight_recorder_keeps_the_newest),
		cmocka_unit_test(news_of_births_come_once),
		cmocka_unit_test(sleepers_have_sites),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
