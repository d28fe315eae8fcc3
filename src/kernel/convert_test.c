/* SPDX-License-Identifier: MIT */
/* Formats of the corpus (Linux 6.18's), records put together by hand. */
#include "util/test.h"

#include "event/event.h"
#include "kernel/convert.h"

#include <string.h>
#include <unistd.h>

struct record {
	const struct format *format;
	_Alignas(8) uint8_t bytes[512];
	size_t used;
};

static void read_format(struct format *ret, const char *subsystem, const char *name)
{
	char path[128], text[8192];
	struct err e;
	snprintf(path, sizeof(path), "tests/corpus/format_fuzz/%s", name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t bytes = fread(text, 1, sizeof(text), file);
	fclose(file);
	if (format_parse(ret, subsystem, text, bytes, &e))
		fail_msg("%s", e.text);
}

static void begin(struct record *r, const struct format *f, int32_t tid, uint8_t flags)
{
	memset(r, 0, sizeof(*r));
	r->format = f;
	r->used = f->fixed_bytes;
	memcpy(r->bytes, &(uint16_t){(uint16_t)f->id}, 2);
	r->bytes[2] = flags;
	memcpy(r->bytes + 4, &tid, 4);
}

static void set(struct record *r, const char *name, uint64_t value)
{
	const struct format_field *field = format_find(r->format, name);
	assert_non_null(field);
	memcpy(r->bytes + field->offset, &value, field->size);
}

static void set_data(struct record *r, const char *name, const void *data, size_t bytes)
{
	const struct format_field *field = format_find(r->format, name);
	assert_non_null(field);
	if (format_is_dynamic(field)) {
		set(r, name, bytes << 16 | r->used);
		memcpy(r->bytes + r->used, data, bytes);
		r->used += bytes;
	} else {
		assert_true(bytes <= field->size);
		memcpy(r->bytes + field->offset, data, bytes);
	}
}

/* Begins a record of the known event, for a converter that knows it. */
static void begin_known(struct convert *c, struct record *r, const char *subsystem,
			const char *name, uint8_t flags)
{
	struct format f;
	struct err e;
	read_format(&f, subsystem, name);
	assert_int_equal(convert_add_known(c, &f, &e), 1);
	begin(r, c->events[c->count - 1]->format, 4242, flags);
}

static const void *converted(struct convert *c, const struct record *r, struct converted *out,
			     uint16_t id, uint8_t stream, size_t bytes)
{
	assert_int_equal(convert_record(c, r->bytes, r->used, out), 1);
	assert_int_equal(out->id, id);
	assert_int_equal(out->stream, stream);
	assert_int_equal(out->bytes, bytes);
	assert_int_equal(out->tid, 4242);
	return out->payload;
}

static void test_switch(void **state)
{
	(void)state;
	static const struct {
		uint64_t reported;
		uint16_t expected;
	} states[] = {
		{0, TASK_PREEMPTED},
		{1, TASK_INTERRUPTIBLE},
		{2, TASK_UNINTERRUPTIBLE},
		{0x20, TASK_ZOMBIE},
		{0x80, TASK_UNINTERRUPTIBLE | TASK_NOLOAD},
		{0x100, TASK_PREEMPTED},
	};
	struct convert c = {0};
	struct converted out;
	struct record r;
	begin_known(&c, &r, "sched", "sched_switch", 0);
	set(&r, "prev_pid", 4242);
	set(&r, "next_pid", 17);
	set(&r, "prev_prio", 120);
	set(&r, "next_prio", 99);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		set(&r, "prev_state", states[i].reported);
		const struct recorder_switch *got = converted(&c, &r, &out, RECORDER_SWITCH,
							      RECORDER_STREAM_EVENTS, sizeof(*got));
		assert_int_equal(got->prev_tid, 4242);
		assert_int_equal(got->next_tid, 17);
		assert_int_equal(got->prev_prio, 120);
		assert_int_equal(got->next_prio, 99);
		assert_int_equal(got->prev_state, states[i].expected);
	}
	convert_close(&c);
}

static void test_waking(void **state)
{
	(void)state;
	static const uint8_t flags[] = {0x01, 0x10, 0x18, 0x40};
	static const uint8_t contexts[] = {WAKING_FROM_TASK, WAKING_FROM_SOFTIRQ, WAKING_FROM_IRQ,
					   WAKING_FROM_NMI};
	struct convert c = {0};
	struct converted out;
	struct record r;
	begin_known(&c, &r, "sched", "sched_waking", 0);
	set(&r, "pid", 7);
	set(&r, "prio", 100);
	set(&r, "target_cpu", 3);
	for (size_t i = 0; i < sizeof(flags); i++) {
		r.bytes[2] = flags[i];
		const struct recorder_waking *got = converted(&c, &r, &out, RECORDER_WAKING,
							      RECORDER_STREAM_EVENTS, sizeof(*got));
		assert_int_equal(got->tid, 7);
		assert_int_equal(got->prio, 100);
		assert_int_equal(got->target_cpu, 3);
		assert_int_equal(got->context, contexts[i]);
	}
	convert_close(&c);
}

static void test_block(void **state)
{
	(void)state;
	static const struct {
		const char *rwbs;
		uint32_t bits;
	} cases[] = {
		{"R", 0},
		{"WS", 1 | 1 << 11},
		{"RA", 1 << 19},
		{"FWFSM", 1 << 18 | 1 | 1 << 17 | 1 << 11 | 1 << 12},
		{"FF", 1 << 18 | 2},
		{"WFS", 1 | 1 << 17 | 1 << 11},
		{"DE", 5},
		{"D", 3},
		{"F", 2},
	};
	struct convert c = {0};
	struct converted out;
	struct record r;
	begin_known(&c, &r, "block", "block_rq_issue", 0);
	set(&r, "dev", 253 << 20 | 1);
	set(&r, "sector", 123456789012);
	set(&r, "nr_sector", 8);
	set(&r, "bytes", 4096);
	set_data(&r, "cmd", "", 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_data(&r, "rwbs", cases[i].rwbs, strlen(cases[i].rwbs) + 1);
		const struct recorder_block_issue *got = converted(
			&c, &r, &out, RECORDER_BLOCK_ISSUE, RECORDER_STREAM_EVENTS, sizeof(*got));
		assert_int_equal(got->dev, 253 << 20 | 1);
		assert_int_equal(got->sector, 123456789012);
		assert_int_equal(got->nr_sector, 8);
		assert_int_equal(got->bytes, 4096);
		assert_int_equal(got->tid, 4242);
		assert_int_equal(got->rwbs, cases[i].bits);
	}
	convert_close(&c);
}

static void test_life(void **state)
{
	(void)state;
	struct convert c = {0};
	struct converted out;
	struct record r;
	pid_t self = getpid();
	begin_known(&c, &r, "sched", "sched_process_fork", 0);
	set(&r, "parent_pid", (uint64_t)self);
	set(&r, "child_pid", 0x3fffffff);
	set_data(&r, "parent_comm", "parent", 7);
	set_data(&r, "child_comm", "a name of too many", 19);
	const struct recorder_fork *fork =
		converted(&c, &r, &out, RECORDER_FORK, RECORDER_STREAM_LIFE, sizeof(*fork));
	assert_int_equal(fork->parent_tid, self);
	assert_int_equal(fork->parent_pid, self);
	assert_int_equal(fork->child_tid, 0x3fffffff);
	assert_int_equal(fork->child_pid, 0x3fffffff);
	assert_string_equal(fork->child_comm, "a name of too m");

	begin_known(&c, &r, "sched", "sched_process_exec", 0);
	set(&r, "pid", 55);
	set(&r, "old_pid", 56);
	set_data(&r, "filename", "/usr/bin/a_long_program_name", 29);
	const struct recorder_exec *exec =
		converted(&c, &r, &out, RECORDER_EXEC, RECORDER_STREAM_LIFE, sizeof(*exec));
	assert_int_equal(exec->tid, 55);
	assert_int_equal(exec->old_tid, 56);
	assert_string_equal(exec->filename, "/usr/bin/a_long_program_name");
	assert_string_equal(exec->comm, "a_long_program_");

	begin_known(&c, &r, "task", "task_rename", 0);
	set(&r, "pid", 55);
	set_data(&r, "newcomm", "0123456789abcdef", 16);
	const struct recorder_rename *rename =
		converted(&c, &r, &out, RECORDER_RENAME, RECORDER_STREAM_LIFE, sizeof(*rename));
	assert_int_equal(rename->tid, 55);
	assert_string_equal(rename->newcomm, "0123456789abcde");
	convert_close(&c);
}

/* A thread is told from a process by the event in front of its fork. */
static void test_thread(void **state)
{
	(void)state;
	static const char newtask[] = "name: task_newtask\nID: 9\n"
				      "\tfield:pid_t pid;\toffset:8;\tsize:4;\tsigned:1;\n"
				      "\tfield:u64 clone_flags;\toffset:32;\tsize:8;\tsigned:0;\n";
	struct convert c = {0};
	struct converted out;
	struct record r;
	struct format f;
	struct err e;
	assert_int_equal(format_parse(&f, "task", newtask, sizeof(newtask) - 1, &e), 0);
	assert_int_equal(convert_add_known(&c, &f, &e), 1);
	begin(&r, c.events[0]->format, 4242, 0);
	set(&r, "pid", 0x3fffffff);
	set(&r, "clone_flags", 0x10000);
	assert_int_equal(convert_record(&c, r.bytes, r.used, &out), 0);
	begin_known(&c, &r, "sched", "sched_process_fork", 0);
	set(&r, "parent_pid", (uint64_t)getpid());
	set(&r, "child_pid", 0x3fffffff);
	const struct recorder_fork *fork =
		converted(&c, &r, &out, RECORDER_FORK, RECORDER_STREAM_LIFE, sizeof(*fork));
	assert_int_equal(fork->child_tid, 0x3fffffff);
	assert_int_equal(fork->child_pid, getpid());
	convert_close(&c);
}

/* With targets only: what concerns neither them nor their children is left out. */
static void test_only_targets(void **state)
{
	(void)state;
	enum { TARGET = 0x3ffffff0, CHILD, STRANGER };
	struct convert c = {.only_targets = true};
	struct converted out;
	struct record sched, waking, born;
	assert_int_equal(targets_init(&c.targets, (pid_t[]){TARGET}, 1), 0);
	targets_set(&c.targets, TARGET, TARGET);
	targets_set(&c.targets, 4242, 4242);
	begin_known(&c, &sched, "sched", "sched_switch", 0);
	begin_known(&c, &waking, "sched", "sched_waking", 0);
	begin_known(&c, &born, "sched", "sched_process_fork", 0);
	set(&sched, "prev_pid", STRANGER);
	set(&sched, "next_pid", CHILD);
	set(&waking, "pid", STRANGER);
	assert_int_equal(convert_record(&c, sched.bytes, sched.used, &out), 0);
	assert_int_equal(convert_record(&c, waking.bytes, waking.used, &out), 0);

	set(&born, "parent_pid", TARGET);
	set(&born, "child_pid", CHILD);
	assert_int_equal(convert_record(&c, born.bytes, born.used, &out), 1);
	assert_int_equal(convert_record(&c, sched.bytes, sched.used, &out), 1);
	set(&waking, "pid", CHILD);
	assert_int_equal(convert_record(&c, waking.bytes, waking.used, &out), 1);

	/* By a target, but an interrupt's doing. */
	set(&waking, "pid", STRANGER);
	memcpy(waking.bytes + 4, &(int32_t){CHILD}, 4);
	assert_int_equal(convert_record(&c, waking.bytes, waking.used, &out), 1);
	waking.bytes[2] = 0x08;
	assert_int_equal(convert_record(&c, waking.bytes, waking.used, &out), 0);
	convert_close(&c);
}

static void test_syscall(void **state)
{
	(void)state;
	struct convert c = {0};
	struct converted out;
	struct record r;
	begin_known(&c, &r, "raw_syscalls", "sys_enter", 0);
	set(&r, "id", 202);
	set_data(&r, "args", &(uint64_t){0x1122334455667788}, 8);
	const struct recorder_syscall_entry *got = converted(&c, &r, &out, RECORDER_SYSCALL_ENTRY,
							     RECORDER_STREAM_EVENTS, sizeof(*got));
	assert_int_equal(got->id, 202);
	assert_int_equal(got->arg0, 0x55667788);
	convert_close(&c);
}

/* The layout of format.h, read back through the type that format_add_type() makes. */
static void test_generic(void **state)
{
	(void)state;
	struct format f;
	struct err e;
	read_format(&f, "dma", "dma_map_sg");
	struct plan_event asked = {.format = &f, .id = RECORDER_GENERIC_ID};
	struct convert c = {0};
	struct converted out;
	struct record r;
	static const uint64_t addresses[2] = {0x1000, 0x2000};
	assert_int_equal(convert_add_generic(&c, &asked, &e), 0);
	begin(&r, &f, 4242, 0);
	set_data(&r, "device", "0000:00:01.0", 13);
	set_data(&r, "phys_addrs", addresses, sizeof(addresses));
	set(&r, "dir", 2);
	converted(&c, &r, &out, RECORDER_GENERIC_ID, RECORDER_STREAM_EVENTS,
		  f.fixed_bytes - 8 + 13 + 16);

	struct schema *schema;
	assert_int_equal(schema_create(&schema, &e), 0);
	if (format_add_type(schema, 0, RECORDER_GENERIC_ID, f.name, &f, &e))
		fail_msg("%s", e.text);
	const struct event_type *type = schema_find(schema, "dma_map_sg");
	assert_non_null(type);
	struct event event = {.type = type, .payload = out.payload, .payload_bytes = out.bytes};
	const struct field *device = type_field(type->payload, "device");
	size_t bytes;
	const char *text = field_text(&event, device, &bytes);
	assert_memory_equal(text, "0000:00:01.0", 12);
	assert_int_equal(field_uint(&event, type_field(type->payload, "dir")), 2);
	assert_int_equal(field_uint(&event, type_field(type->payload, "_phys_addrs_length")), 2);
	schema_destroy(schema);

	/* Cut off in front of its data: the record is kept, the data are not made up. */
	assert_int_equal(convert_record(&c, r.bytes, f.fixed_bytes, &out), 1);
	assert_int_equal(out.bytes, f.fixed_bytes - 8);
	assert_int_equal(convert_record(&c, r.bytes, f.fixed_bytes - 1, &out), -EINVAL);
	assert_int_equal(convert_record(&c, r.bytes, 7, &out), -EINVAL);
	convert_close(&c);
	format_deinit(&f);
}

/* Every field of every format lies in its type where it lies in the record. */
static void test_types_have_the_records_places(void **state)
{
	(void)state;
	static const char *const names[] = {
		"block_rq_issue", "fib_table_lookup", "inet_sock_set_state", "ipi_send_cpumask",
		"sys_enter",      "sched_switch",     "sys_enter_openat",    "workqueue_queue_work",
		"tcp_probe",
	};
	struct err e;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct schema *schema;
		struct format f;
		read_format(&f, "any", names[i]);
		assert_int_equal(schema_create(&schema, &e), 0);
		if (format_add_type(schema, 0, 64, f.name, &f, &e))
			fail_msg("%s", e.text);
		const struct event_type *type = schema_find(schema, f.name);
		for (size_t j = 0; j < f.field_count; j++) {
			const struct field *field = type_field(type->payload, f.fields[j].name);
			assert_non_null(field);
			if (!format_is_dynamic(&f.fields[j]))
				assert_int_equal(field->offset_bits, 8 * (f.fields[j].offset - 8));
		}
		schema_destroy(schema);
		format_deinit(&f);
	}
}

/* A gap that no alignment makes is filled. */
static void test_padding(void **state)
{
	(void)state;
	static const char text[] = "name: gaps\nID: 5\n"
				   "\tfield:char a[3];\toffset:8;\tsize:3;\tsigned:0;\n"
				   "\tfield:char b[4];\toffset:13;\tsize:4;\tsigned:0;\n"
				   "\tfield:int c;\toffset:19;\tsize:4;\tsigned:1;\n";
	struct format f;
	struct schema *schema;
	struct err e;
	assert_int_equal(format_parse(&f, "any", text, sizeof(text) - 1, &e), 0);
	assert_int_equal(schema_create(&schema, &e), 0);
	assert_int_equal(format_add_type(schema, 0, 64, f.name, &f, &e), 0);
	const struct type *payload = schema_find(schema, "gaps")->payload;
	assert_int_equal(type_field(payload, "b")->offset_bits, 8 * 5);
	assert_int_equal(type_field(payload, "c")->offset_bits, 8 * 11);
	assert_int_equal(payload->size_bits, 8 * 15);
	schema_destroy(schema);
	format_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_switch),
		cmocka_unit_test(test_waking),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_thread),
		cmocka_unit_test(test_only_targets),
		cmocka_unit_test(test_syscall),
		cmocka_unit_test(test_generic),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_types_have_the_records_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
