/* SPDX-License-Identifier: MIT */
/* Tracepoints by name through the BPF rung, for real: skips where BPF is refused. */
#include "util/test.h"
#include "kernel/format_condition.h"
#include "kernel/rung.h"
#include "kernel/tracefs.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 1000, EVENTS_MAX = 4 };

struct recording {
	struct format formats[EVENTS_MAX];
	struct condition *conditions[EVENTS_MAX];
	struct plan_event events[EVENTS_MAX];
	struct plan plan;
	pid_t self;
	struct rung *rung;
	const char *tracefs;
};

struct tally {
	const struct recording *of;
	uint64_t seen[EVENTS_MAX];
	char filename[64]; /* of the last exec */
	uint64_t mode_sum; /* sys_enter_umask's argument */
};

static void look_at_exec(struct tally *t, const struct format *f, const uint8_t *payload)
{
	uint32_t word;
	const struct format_field *field = format_find(f, "filename");
	memcpy(&word, payload + field->offset - FORMAT_COMMON_BYTES, 4);
	size_t bytes = word >> 16;
	assert_in_range(bytes, 1, sizeof(t->filename));
	memcpy(t->filename, payload + f->fixed_bytes - FORMAT_COMMON_BYTES, bytes);
}

/* How long the payload is, by format.h. */
static size_t payload_bytes(const struct format *f, const uint8_t *payload)
{
	size_t bytes = f->fixed_bytes - FORMAT_COMMON_BYTES;
	for (size_t i = 0; i < f->field_count; i++) {
		uint32_t word;
		if (!format_is_dynamic(&f->fields[i]))
			continue;
		memcpy(&word, payload + f->fields[i].offset - FORMAT_COMMON_BYTES, 4);
		bytes += (word >> 16) * f->fields[i].element_bytes;
	}
	return bytes;
}

static int look(void *context, const struct ring_packet *header, const void *body,
		size_t body_bytes, struct err *e)
{
	(void)e;
	struct tally *t = context;
	if (header->stream_id != RECORDER_STREAM_EVENTS)
		return 0;
	for (size_t at = 0; at + 8 <= body_bytes;) {
		const uint8_t *payload = (const uint8_t *)body + at + 8;
		uint16_t id;
		memcpy(&id, (const char *)body + at, 2);
		assert_in_range(id, RECORDER_GENERIC_ID, RECORDER_GENERIC_ID + EVENTS_MAX - 1);
		size_t i = id - RECORDER_GENERIC_ID;
		const struct format *f = &t->of->formats[i];
		t->seen[i]++;
		if (!strcmp(f->name, "sched_process_exec"))
			look_at_exec(t, f, payload);
		if (!strcmp(f->name, "sys_enter_umask")) {
			const struct format_field *mask = format_find(f, "mask");
			uint64_t value;
			memcpy(&value, payload + mask->offset - FORMAT_COMMON_BYTES, 8);
			t->mode_sum += value;
		}
		at += (8 + payload_bytes(f, payload) + 7) & ~(size_t)7;
		assert_true(at <= body_bytes + 7);
	}
	return 0;
}

static void add(struct recording *r, const char *subsystem, const char *name, const char *when)
{
	struct err e;
	size_t i = r->plan.event_count++;
	if (format_read(&r->formats[i], r->tracefs, subsystem, name, &e))
		fail_msg("%s", e.text);
	r->events[i] = (struct plan_event){.subsystem = subsystem,
					   .name = name,
					   .format = &r->formats[i],
					   .id = (uint16_t)(RECORDER_GENERIC_ID + i)};
	if (!when)
		return;
	if (format_condition(&r->conditions[i], &r->formats[i], when, &e))
		fail_msg("%s", e.text);
	r->events[i].when = r->conditions[i];
}

static void begin(struct recording *r, bool only_self)
{
	struct err e;
	*r = (struct recording){.self = getpid()};
	if (tracefs_find(&r->tracefs, &e)) {
		print_message("%s\n", e.text);
		skip();
	}
	r->plan = (struct plan){.ring_bytes = 1 << 20,
				.events = r->events,
				.only_targets = only_self,
				.targets = &r->self,
				.target_count = only_self};
}

static void start_or_skip(struct recording *r)
{
	struct err e;
	int status = rung_bpf.open(&r->rung, &r->plan, &e);
	if (status == -EPERM || status == -EACCES) {
		print_message("needs CAP_BPF and CAP_PERFMON: %s\n", e.text);
		skip();
	}
	if (status < 0 || r->rung->start(r->rung, &e) < 0)
		fail_msg("%s", e.text);
}

static struct tally end(struct recording *r)
{
	struct err e;
	struct tally t = {.of = r};
	assert_int_equal(r->rung->stop(r->rung, &e), 0);
	assert_int_equal(r->rung->drain(r->rung, true, look, &t, &e), 0);
	r->rung->close(r->rung);
	for (size_t i = 0; i < r->plan.event_count; i++) {
		condition_destroy(r->conditions[i]);
		format_deinit(&r->formats[i]);
	}
	return t;
}

static void every_call_arrives_with_its_fields(void **state)
{
	(void)state;
	struct recording r;
	begin(&r, true);
	add(&r, "syscalls", "sys_enter_umask", NULL);
	add(&r, "syscalls", "sys_exit_umask", NULL);
	start_or_skip(&r);
	mode_t before = umask(022);
	for (mode_t i = 0; i < CALLS; i++)
		syscall(SYS_umask, i);
	umask(before);
	struct tally t = end(&r);
	assert_int_equal(t.seen[0], CALLS + 2);
	assert_int_equal(t.seen[1], CALLS + 2);
	assert_int_equal(t.mode_sum, CALLS * (CALLS - 1) / 2 + 022 + before);
}

static void calls_without_arguments_and_with_a_condition_agree(void **state)
{
	(void)state;
	struct recording r;
	begin(&r, true);
	add(&r, "syscalls", "sys_enter_getppid", NULL);
	add(&r, "syscalls", "sys_enter_umask", "mask >= 0");
	add(&r, "syscalls", "sys_exit_umask", "ret >= 0");
	start_or_skip(&r);
	for (mode_t i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	umask(umask(022));
	struct tally t = end(&r);
	assert_int_equal(t.seen[0], CALLS);
	assert_int_equal(t.seen[1], 2);
	assert_int_equal(t.seen[2], 2);
}

static void a_condition_decides_in_the_kernel(void **state)
{
	(void)state;
	struct recording r;
	begin(&r, false);
	char when[64];
	snprintf(when, sizeof(when), "mask >= 100 && mask < 250 && common_pid == %d", getpid());
	add(&r, "syscalls", "sys_enter_umask", when);
	start_or_skip(&r);
	mode_t before = umask(022);
	for (mode_t i = 0; i < CALLS; i++)
		syscall(SYS_umask, i);
	umask(before);
	struct tally t = end(&r);
	assert_int_equal(t.seen[0], 150);
}

static void run_true(void)
{
	pid_t child = fork();
	if (child == 0) {
		execl("/bin/true", "true", NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
}

static void texts_come_behind_the_fixed_part(void **state)
{
	(void)state;
	struct recording r;
	begin(&r, false);
	add(&r, "sched", "sched_process_exec", "filename ~ \"/bin/tr?e\"");
	start_or_skip(&r);
	run_true();
	run_true();
	struct tally t = end(&r);
	assert_in_range(t.seen[0], 2, 100);
	assert_string_equal(t.filename, "/bin/true");
}

static void its_own_process_is_left_out(void **state)
{
	(void)state;
	struct recording r;
	begin(&r, true);
	r.plan.own_pid = getpid();
	add(&r, "syscalls", "sys_enter_umask", NULL);
	start_or_skip(&r);
	umask(umask(022));
	assert_int_equal(end(&r).seen[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_arrives_with_its_fields),
		cmocka_unit_test(calls_without_arguments_and_with_a_condition_agree),
		cmocka_unit_test(a_condition_decides_in_the_kernel),
		cmocka_unit_test(texts_come_behind_the_fixed_part),
		cmocka_unit_test(its_own_process_is_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
