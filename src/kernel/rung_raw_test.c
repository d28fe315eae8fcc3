/* SPDX-License-Identifier: MIT */
/*
 * The rungs that recode raw records, against a workload that knows what it did. Needs root.
 */
#include "util/test.h"

#include "filter/condition.h"
#include "kernel/clean.h"
#include "kernel/format.h"
#include "kernel/rung.h"
#include "kernel/tracefs.h"
#include "util/now.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CALLS = 3000, TRIPS = 200 };

/* What the packets said. */
struct tally {
	pid_t self, child;
	uint64_t calls;            /* the generic event */
	uint64_t last_call, jumps; /* by their numbers */
	uint64_t wakings;          /* of the child by us, from a task */
	uint64_t sleeps;           /* of the child */
	uint64_t forks, exits;
	uint64_t told; /* of these, as news */
	uint64_t events, packets, discarded;
	uint64_t gap_begin_ns, gap_end_ns; /* of the first loss */
	uint64_t end_ns[2][RECORDER_CPUS_MAX];
	uint64_t sequence[2][RECORDER_CPUS_MAX];
	size_t bytes_of[RECORDER_GENERIC_ID + 1];
};

/* Calls carry their number. */
static void tally_call(struct tally *t, const void *payload)
{
	uint64_t number;
	memcpy(&number, (const uint8_t *)payload + 8, sizeof(number));
	t->jumps += t->calls && number != t->last_call + 1;
	t->last_call = number;
	t->calls++;
}

static void tally_event(struct tally *t, uint16_t id, const void *payload)
{
	const struct recorder_switch *sched = payload;
	const struct recorder_waking *waking = payload;
	const struct recorder_fork *fork = payload;
	const struct recorder_exit *exit = payload;
	t->events++;
	if (id == RECORDER_GENERIC_ID)
		tally_call(t, payload);
	t->wakings += id == RECORDER_WAKING && waking->tid == t->child && waking->context == 0;
	t->sleeps += id == RECORDER_SWITCH && sched->prev_tid == t->child &&
		     sched->prev_state == TASK_INTERRUPTIBLE;
	t->forks += id == RECORDER_FORK && fork->parent_pid == t->self &&
		    fork->child_pid == t->child && fork->child_tid == t->child;
	t->exits += id == RECORDER_EXIT && exit->tid == t->child && exit->pid == t->child;
}

static int collect(void *context, const struct ring_packet *header, const void *body, size_t bytes,
		   struct err *e)
{
	(void)e;
	struct tally *t = context;
	uint64_t *end_ns = &t->end_ns[header->stream_id][header->cpu];
	uint64_t last_ns = header->begin_ns;
	t->packets++;
	assert_int_equal(header->content_bits, (sizeof(*header) + bytes) * 8);
	assert_true(header->begin_ns >= *end_ns);
	assert_true(header->end_ns >= header->begin_ns);
	*end_ns = header->end_ns;
	assert_int_equal(header->sequence, t->sequence[header->stream_id][header->cpu]++);
	for (size_t at = 0; at < bytes;) {
		uint64_t word;
		memcpy(&word, (const uint8_t *)body + at, sizeof(word));
		uint64_t time_ns = RING_EVENT_TIME(word, header->begin_ns);
		assert_true(time_ns >= last_ns && time_ns <= header->end_ns);
		last_ns = time_ns;
		uint16_t id = (uint16_t)word;
		assert_true(id <= RECORDER_GENERIC_ID && t->bytes_of[id]);
		_Alignas(8) uint8_t payload[RECORDER_GENERIC_BYTES_MAX];
		memcpy(payload, (const uint8_t *)body + at + 8, t->bytes_of[id]);
		tally_event(t, id, payload);
		at = (at + sizeof(word) + t->bytes_of[id] + 7) & ~(size_t)7;
	}
	if (header->stream_id == RECORDER_STREAM_EVENTS && header->discarded > t->discarded) {
		if (!t->discarded) {
			t->gap_begin_ns = header->begin_ns;
			t->gap_end_ns = header->end_ns;
		}
		t->discarded = header->discarded;
	}
	return 0;
}

/* Births and deaths told: the child's fork and exit, once each. */
static void hear(void *context, enum recorder_event id, uint64_t time_ns, const void *payload)
{
	struct tally *t = context;
	const struct recorder_fork *fork = payload;
	const struct recorder_exit *exit = payload;
	assert_true(time_ns > 0);
	t->told += id == RECORDER_FORK && fork->child_tid == t->child;
	t->told += id == RECORDER_EXIT && exit->tid == t->child;
}

static void learn_sizes(struct tally *t)
{
	static const struct {
		uint16_t id, bytes;
	} sizes[] = {
		{RECORDER_SWITCH, sizeof(struct recorder_switch)},
		{RECORDER_WAKING, sizeof(struct recorder_waking)},
		{RECORDER_WAKEUP_NEW, sizeof(struct recorder_waking)},
		{RECORDER_IRQ_ENTRY, sizeof(struct recorder_irq_entry)},
		{RECORDER_IRQ_EXIT, sizeof(struct recorder_irq_exit)},
		{RECORDER_SOFTIRQ_ENTRY, sizeof(struct recorder_softirq)},
		{RECORDER_SOFTIRQ_EXIT, sizeof(struct recorder_softirq)},
		{RECORDER_SOFTIRQ_RAISE, sizeof(struct recorder_softirq)},
		{RECORDER_HRTIMER_ENTRY, sizeof(struct recorder_timer_entry)},
		{RECORDER_HRTIMER_EXIT, sizeof(struct recorder_timer_exit)},
		{RECORDER_TIMER_ENTRY, sizeof(struct recorder_timer_entry)},
		{RECORDER_TIMER_EXIT, sizeof(struct recorder_timer_exit)},
		{RECORDER_WORK_QUEUE, sizeof(struct recorder_work)},
		{RECORDER_WORK_START, sizeof(struct recorder_work)},
		{RECORDER_WORK_END, sizeof(struct recorder_work_end)},
		{RECORDER_BLOCK_ISSUE, sizeof(struct recorder_block_issue)},
		{RECORDER_BLOCK_DONE, sizeof(struct recorder_block_done)},
		{RECORDER_SIGNAL, sizeof(struct recorder_signal)},
		{RECORDER_FORK, sizeof(struct recorder_fork)},
		{RECORDER_EXEC, sizeof(struct recorder_exec)},
		{RECORDER_EXIT, sizeof(struct recorder_exit)},
		{RECORDER_RENAME, sizeof(struct recorder_rename)},
	};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		t->bytes_of[sizes[i].id] = sizes[i].bytes;
}

static const char *tracefs_or_skip(void)
{
	const char *tracefs;
	struct err e;
	if (geteuid()) {
		print_message("needs root: tracefs instances and other users' threads\n");
		skip();
	}
	if (tracefs_find(&tracefs, &e)) {
		print_message("%s\n", e.text);
		skip();
	}
	return tracefs;
}

/* getppid called by us; the recorder is asked for it by name. */
struct asked {
	struct format format;
	struct condition *when;
	struct plan_event event;
};

static void ask(struct asked *a, const char *tracefs, const char *condition)
{
	static const struct condition_field fields[] = {
		{"id", 8, 8, true, CONDITION_NUMBER},
		{"no_such", 16, 8, true, CONDITION_NUMBER},
		{"common_pid", 4, 4, true, CONDITION_NUMBER},
	};
	struct err e;
	char text[80];
	snprintf(text, sizeof(text), "id == %d && common_pid == %d", SYS_getppid, getpid());
	if (format_read(&a->format, tracefs, "raw_syscalls", "sys_enter", &e) ||
	    condition_create(&a->when, condition ? condition : text, "sys_enter", fields, 3, &e))
		fail_msg("%s", e.text);
	a->event = (struct plan_event){.subsystem = "raw_syscalls",
				       .name = "sys_enter",
				       .format = &a->format,
				       .id = RECORDER_GENERIC_ID,
				       .when = a->when};
}

static void forget(struct asked *a)
{
	condition_destroy(a->when);
	format_deinit(&a->format);
}

static size_t instances_of(const char *tracefs, pid_t pid)
{
	char path[256], prefix[32];
	size_t count = 0;
	snprintf(path, sizeof(path), "%s/instances", tracefs);
	snprintf(prefix, sizeof(prefix), "cairn-%d-", pid);
	DIR *directory = opendir(path);
	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));)
		count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	closedir(directory);
	return count;
}

static void await_sleep(pid_t pid)
{
	char path[40], state = 'R';
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (state != 'S') {
		FILE *stat = fopen(path, "r");
		assert_non_null(stat);
		assert_int_equal(fscanf(stat, "%*d (%*[^)]) %c", &state), 1);
		fclose(stat);
		if (state != 'S')
			sched_yield();
	}
}

/* A child that answers TRIPS times through pipes, asleep in front of each. */
static pid_t ping_pong(void)
{
	int there[2], back[2];
	char byte = 0;
	assert_int_equal(pipe(there), 0);
	assert_int_equal(pipe(back), 0);
	pid_t child = fork();
	if (child == 0) {
		for (int i = 0; i < TRIPS; i++)
			if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1)
				_exit(1);
		_exit(0);
	}
	for (int i = 0; i < TRIPS; i++) {
		await_sleep(child);
		assert_int_equal(write(there[1], &byte, 1), 1);
		assert_int_equal(read(back[0], &byte, 1), 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (int i = 0; i < 2; i++) {
		close(there[i]);
		close(back[i]);
	}
	return child;
}

static void counts_agree(const struct rung_kind *kind)
{
	const char *tracefs = tracefs_or_skip();
	struct err e;
	struct asked asked;
	ask(&asked, tracefs, NULL);
	struct plan plan = {.waits = true,
			    .ring_bytes = 4 << 20,
			    .session = "counts agree",
			    .events = &asked.event,
			    .event_count = 1};
	struct rung *rung;
	static struct tally t;
	t = (struct tally){.self = getpid()};
	learn_sizes(&t);
	t.bytes_of[RECORDER_GENERIC_ID] = asked.format.fixed_bytes - FORMAT_COMMON_BYTES;
	if (kind->open(&rung, &plan, &e))
		fail_msg("%s", e.text);
	assert_int_equal(rung->start(rung, &e), 0);
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	t.child = ping_pong();
	assert_int_equal(rung->news(rung, hear, &t, &e), 0);
	assert_int_equal(t.told, 2);
	assert_int_equal(rung->news(rung, hear, &t, &e), 0);
	assert_int_equal(t.told, 2);
	assert_int_equal(rung->stop(rung, &e), 0);
	assert_int_equal(rung->drain(rung, true, collect, &t, &e), 0);
	struct rung_totals totals;
	rung->totals(rung, &totals);
	rung->close(rung);
	forget(&asked);
	assert_int_equal(totals.lost, 0);
	assert_int_equal(t.discarded, 0);
	assert_int_equal(totals.events, t.events);
	assert_int_equal(t.calls, CALLS);
	assert_in_range(t.wakings, TRIPS - 1, TRIPS + 2);
	assert_in_range(t.sleeps, TRIPS - 1, TRIPS + 2);
	assert_int_equal(t.forks, 1);
	assert_int_equal(t.exits, 1);
	assert_int_equal(instances_of(tracefs, getpid()), 0);
}

static void test_tracefs_counts(void **state)
{
	(void)state;
	counts_agree(&rung_tracefs);
}

static void test_perf_counts(void **state)
{
	(void)state;
	counts_agree(&rung_perf);
}

static void stay_on_this_cpu(cpu_set_t *before)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_getaffinity(0, sizeof(*before), before);
	sched_setaffinity(0, sizeof(one), &one);
}

/*
 * A small buffer that is full when it is drained: what is there and what is said to be lost is all
 * there was, and the loss stands where the buffer was full.
 */
static void losses_are_exact(const struct rung_kind *kind)
{
	const char *tracefs = tracefs_or_skip();
	struct err e;
	struct asked asked;
	ask(&asked, tracefs, NULL);
	struct plan plan = {.ring_bytes = 256 << 10,
			    .session = "losses",
			    .events = &asked.event,
			    .event_count = 1};
	struct rung *rung;
	static struct tally t;
	t = (struct tally){.self = getpid()};
	t.bytes_of[RECORDER_GENERIC_ID] = asked.format.fixed_bytes - FORMAT_COMMON_BYTES;
	if (kind->open(&rung, &plan, &e))
		fail_msg("%s", e.text);
	cpu_set_t before;
	stay_on_this_cpu(&before);
	assert_int_equal(rung->start(rung, &e), 0);
	uint64_t start_ns = now_monotonic_ns();
	for (int i = 0; i < 8 * CALLS; i++)
		syscall(SYS_getppid, i);
	uint64_t full_ns = now_monotonic_ns();
	assert_int_equal(rung->drain(rung, false, collect, &t, &e), 0);
	for (int i = 0; i < 8 * CALLS; i++)
		syscall(SYS_getppid, 8 * CALLS + i);
	assert_int_equal(rung->stop(rung, &e), 0);
	assert_int_equal(rung->drain(rung, true, collect, &t, &e), 0);
	struct rung_totals totals;
	rung->totals(rung, &totals);
	rung->close(rung);
	forget(&asked);
	sched_setaffinity(0, sizeof(before), &before);
	assert_true(totals.lost > CALLS);
	assert_int_equal(t.jumps, 1);
	assert_in_range(t.gap_begin_ns, start_ns, full_ns);
	assert_in_range(t.gap_end_ns, full_ns, now_monotonic_ns());
	assert_int_equal(t.calls + totals.lost, 16 * CALLS);
}

static void test_tracefs_losses(void **state)
{
	(void)state;
	losses_are_exact(&rung_tracefs);
}

static void test_perf_losses(void **state)
{
	(void)state;
	losses_are_exact(&rung_perf);
}

/* Two snapshots of a flight recorder: the second has what the first had, and what came since. */
static void snapshots_keep(const struct rung_kind *kind)
{
	const char *tracefs = tracefs_or_skip();
	struct err e;
	struct asked asked;
	ask(&asked, tracefs, NULL);
	struct plan plan = {.overwrite = true,
			    .ring_bytes = 256 << 10,
			    .session = "flight",
			    .events = &asked.event,
			    .event_count = 1};
	struct rung *rung;
	uint64_t calls[3], number = 0;
	cpu_set_t before;
	stay_on_this_cpu(&before);
	if (kind->open(&rung, &plan, &e))
		fail_msg("%s", e.text);
	assert_int_equal(rung->start(rung, &e), 0);
	for (int round = 0; round < 3; round++) {
		static struct tally t;
		t = (struct tally){.self = getpid()};
		t.bytes_of[RECORDER_GENERIC_ID] = asked.format.fixed_bytes - FORMAT_COMMON_BYTES;
		int loop = round < 2 ? 1000 : 16 * CALLS;
		for (int i = 0; i < loop; i++)
			syscall(SYS_getppid, number++);
		assert_int_equal(rung->snapshot(rung, collect, &t, &e), 0);
		assert_int_equal(t.discarded, 0);
		assert_int_equal(t.jumps, 0);
		assert_int_equal(t.last_call, number - 1);
		calls[round] = t.calls;
	}
	rung->close(rung);
	sched_setaffinity(0, sizeof(before), &before);
	forget(&asked);
	assert_int_equal(calls[0], 1000);
	assert_int_equal(calls[1], 2000);
	/* The ring wrapped: about what it holds, of 60 to 104 bytes an event. */
	assert_in_range(calls[2], (256 << 10) / 104 / 2, 2 * (256 << 10) / 60);
}

static void test_tracefs_snapshots(void **state)
{
	(void)state;
	snapshots_keep(&rung_tracefs);
}

static void test_perf_snapshots(void **state)
{
	(void)state;
	snapshots_keep(&rung_perf);
}

static void refuses_bad_filter(const struct rung_kind *kind)
{
	const char *tracefs = tracefs_or_skip();
	struct err e;
	struct asked asked;
	ask(&asked, tracefs, "no_such == 1");
	struct plan plan = {.ring_bytes = 256 << 10,
			    .session = "bad",
			    .events = &asked.event,
			    .event_count = 1};
	struct rung *rung;
	assert_int_equal(kind->open(&rung, &plan, &e), -EINVAL);
	assert_non_null(strstr(e.text, "of raw_syscalls:sys_enter: Field not found"));
	forget(&asked);
	assert_int_equal(instances_of(tracefs, getpid()), 0);
}

static void test_tracefs_bad_filter(void **state)
{
	(void)state;
	refuses_bad_filter(&rung_tracefs);
}

/* What a stranger is told: 0 when it is the sentence. */
static int refused_with(const struct rung_kind *kind, const char *sentence)
{
	pid_t child = fork();
	if (child == 0) {
		struct plan plan = {.waits = true, .ring_bytes = 256 << 10, .session = "nobody"};
		struct rung *rung;
		struct err e;
		if (setresuid(65534, 65534, 65534))
			_exit(2);
		int result = kind->open(&rung, &plan, &e);
		bool is_told = strstr(e.text, sentence) && strstr(e.text, "uid 65534");
		_exit(result == -EACCES && is_told ? 0 : 1);
	}
	int status;
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static void test_nobody_is_told_why(void **state)
{
	(void)state;
	struct stat mount;
	if (stat(tracefs_or_skip(), &mount) == 0 && mount.st_mode & 0007) {
		print_message("tracefs is open to everybody here\n");
		skip();
	}
	assert_int_equal(refused_with(&rung_tracefs, "tracefs is not readable"), 0);
	assert_int_equal(refused_with(&rung_perf, "tracefs is not readable"), 0);
}

static void test_killed_recorder_is_cleaned(void **state)
{
	(void)state;
	const char *tracefs = tracefs_or_skip();
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct plan plan = {.waits = true, .ring_bytes = 256 << 10, .session = "killed"};
		struct rung *rung;
		struct err e;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (rung_tracefs.open(&rung, &plan, &e) || rung->start(rung, &e))
			_exit(1);
		if (write(ready[1], "r", 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	clean_instances();
	size_t alive = instances_of(tracefs, child);
	char path[256];
	struct text enabled = {0};
	struct err e;
	snprintf(path, sizeof(path),
		 "%s/instances/cairn-%d-killed/events/sched/sched_switch/enable", tracefs, child);
	int read_back = tracefs_read(&enabled, &e, "%s", path);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	size_t left = instances_of(tracefs, child);
	size_t removed = clean_instances();
	assert_int_equal(alive, 2);
	assert_int_equal(read_back, 0);
	assert_int_equal(enabled.data[0], '1'); /* it still records */
	text_deinit(&enabled);
	assert_int_equal(left, 2);
	assert_true(removed >= 2);
	assert_int_equal(instances_of(tracefs, child), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tracefs_counts),
		cmocka_unit_test(test_perf_counts),
		cmocka_unit_test(test_tracefs_losses),
		cmocka_unit_test(test_perf_losses),
		cmocka_unit_test(test_tracefs_snapshots),
		cmocka_unit_test(test_perf_snapshots),
		cmocka_unit_test(test_tracefs_bad_filter),
		cmocka_unit_test(test_nobody_is_told_why),
		cmocka_unit_test(test_killed_recorder_is_cleaned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
