/* SPDX-License-Identifier: MIT */
/* The records of recorder_abi.h, told to the schema. */
#include "kernel/rung.h"

#include <string.h>

enum shape {
	SHAPE_END,
	SHAPE_INT,
	SHAPE_UINT,
	SHAPE_HEX,
	SHAPE_TEXT,
	SHAPE_ADDRESSES, /* as many as the field "count" says */
};

struct member {
	const char *name;
	enum shape shape;
	uint8_t bytes;
};

enum { MEMBERS_MAX = 8 };

struct record {
	uint16_t id;
	uint8_t stream;
	const char *name;
	struct member members[MEMBERS_MAX];
};

#define SWITCH_MEMBERS                                                                             \
	{"prev_tid", SHAPE_INT, 4}, {"next_tid", SHAPE_INT, 4}, {"prev_state", SHAPE_HEX, 2},      \
		{"prev_prio", SHAPE_UINT, 1},                                                      \
	{                                                                                          \
		"next_prio", SHAPE_UINT, 1                                                         \
	}
#define WAKING_MEMBERS                                                                             \
	{"tid", SHAPE_INT, 4}, {"target_cpu", SHAPE_INT, 2}, {"prio", SHAPE_UINT, 1},              \
	{                                                                                          \
		"context", SHAPE_UINT, 1                                                           \
	}
#define SOFTIRQ_MEMBERS                                                                            \
	{                                                                                          \
		"vec", SHAPE_UINT, 4                                                               \
	}
#define WORK_MEMBERS                                                                               \
	{"work", SHAPE_HEX, 8},                                                                    \
	{                                                                                          \
		"function", SHAPE_HEX, 8                                                           \
	}

static const struct record records[] = {
	{RECORDER_SWITCH, RECORDER_STREAM_EVENTS, "sched_switch", {SWITCH_MEMBERS}},
	{RECORDER_SWITCH_SLEEP,
	 RECORDER_STREAM_EVENTS,
	 "sched_switch",
	 {SWITCH_MEMBERS, {"prev_site", SHAPE_HEX, 4}, {"prev_arg", SHAPE_HEX, 8}}},
	{RECORDER_WAKING, RECORDER_STREAM_EVENTS, "sched_waking", {WAKING_MEMBERS}},
	{RECORDER_WAKING_SITE,
	 RECORDER_STREAM_EVENTS,
	 "sched_waking",
	 {WAKING_MEMBERS, {"waker_site", SHAPE_HEX, 4}}},
	{RECORDER_WAKEUP_NEW, RECORDER_STREAM_EVENTS, "sched_wakeup_new", {WAKING_MEMBERS}},
	{RECORDER_IRQ_ENTRY, RECORDER_STREAM_EVENTS, "irq_handler_entry", {{"irq", SHAPE_INT, 4}}},
	{RECORDER_IRQ_EXIT,
	 RECORDER_STREAM_EVENTS,
	 "irq_handler_exit",
	 {{"irq", SHAPE_INT, 4}, {"ret", SHAPE_INT, 4}}},
	{RECORDER_SOFTIRQ_ENTRY, RECORDER_STREAM_EVENTS, "softirq_entry", {SOFTIRQ_MEMBERS}},
	{RECORDER_SOFTIRQ_EXIT, RECORDER_STREAM_EVENTS, "softirq_exit", {SOFTIRQ_MEMBERS}},
	{RECORDER_SOFTIRQ_RAISE, RECORDER_STREAM_EVENTS, "softirq_raise", {SOFTIRQ_MEMBERS}},
	{RECORDER_HRTIMER_ENTRY,
	 RECORDER_STREAM_EVENTS,
	 "hrtimer_expire_entry",
	 {{"hrtimer", SHAPE_HEX, 8}, {"function", SHAPE_HEX, 8}}},
	{RECORDER_HRTIMER_EXIT,
	 RECORDER_STREAM_EVENTS,
	 "hrtimer_expire_exit",
	 {{"hrtimer", SHAPE_HEX, 8}}},
	{RECORDER_TIMER_ENTRY,
	 RECORDER_STREAM_EVENTS,
	 "timer_expire_entry",
	 {{"timer", SHAPE_HEX, 8}, {"function", SHAPE_HEX, 8}}},
	{RECORDER_TIMER_EXIT,
	 RECORDER_STREAM_EVENTS,
	 "timer_expire_exit",
	 {{"timer", SHAPE_HEX, 8}}},
	{RECORDER_WORK_QUEUE, RECORDER_STREAM_EVENTS, "workqueue_queue_work", {WORK_MEMBERS}},
	{RECORDER_WORK_START, RECORDER_STREAM_EVENTS, "workqueue_execute_start", {WORK_MEMBERS}},
	{RECORDER_WORK_END,
	 RECORDER_STREAM_EVENTS,
	 "workqueue_execute_end",
	 {{"work", SHAPE_HEX, 8}}},
	{RECORDER_BLOCK_ISSUE,
	 RECORDER_STREAM_EVENTS,
	 "block_rq_issue",
	 {{"sector", SHAPE_UINT, 8},
	  {"dev", SHAPE_UINT, 4},
	  {"nr_sector", SHAPE_UINT, 4},
	  {"bytes", SHAPE_UINT, 4},
	  {"rwbs", SHAPE_HEX, 4},
	  {"tid", SHAPE_INT, 4}}},
	{RECORDER_BLOCK_DONE,
	 RECORDER_STREAM_EVENTS,
	 "block_rq_complete",
	 {{"sector", SHAPE_UINT, 8},
	  {"dev", SHAPE_UINT, 4},
	  {"nr_sector", SHAPE_UINT, 4},
	  {"error", SHAPE_INT, 4},
	  {"rwbs", SHAPE_HEX, 4}}},
	{RECORDER_SIGNAL,
	 RECORDER_STREAM_EVENTS,
	 "signal_generate",
	 {{"tid", SHAPE_INT, 4}, {"sig", SHAPE_INT, 4}}},
	{RECORDER_CONTENTION_BEGIN,
	 RECORDER_STREAM_EVENTS,
	 "contention_begin",
	 {{"lock_addr", SHAPE_HEX, 8}, {"flags", SHAPE_HEX, 4}}},
	{RECORDER_CONTENTION_END,
	 RECORDER_STREAM_EVENTS,
	 "contention_end",
	 {{"lock_addr", SHAPE_HEX, 8}, {"ret", SHAPE_INT, 4}}},
	{RECORDER_SYSCALL_ENTRY,
	 RECORDER_STREAM_EVENTS,
	 "sys_enter",
	 {{"id", SHAPE_UINT, 4}, {"arg0", SHAPE_HEX, 4}}},
	{RECORDER_SYSCALL_EXIT,
	 RECORDER_STREAM_EVENTS,
	 "sys_exit",
	 {{"id", SHAPE_INT, 4}, {"ret", SHAPE_INT, 4}}},
	{RECORDER_SITE,
	 RECORDER_STREAM_EVENTS,
	 "cairn_site",
	 {{"site", SHAPE_HEX, 4},
	  {"pid", SHAPE_INT, 4},
	  {"syscall", SHAPE_INT, 4},
	  {"flags", SHAPE_HEX, 2},
	  {"count", SHAPE_UINT, 2},
	  {"ips", SHAPE_ADDRESSES, 8}}},
	{RECORDER_FORK,
	 RECORDER_STREAM_LIFE,
	 "sched_process_fork",
	 {{"parent_tid", SHAPE_INT, 4},
	  {"parent_pid", SHAPE_INT, 4},
	  {"child_tid", SHAPE_INT, 4},
	  {"child_pid", SHAPE_INT, 4},
	  {"child_comm", SHAPE_TEXT, RECORDER_COMM_BYTES}}},
	{RECORDER_EXEC,
	 RECORDER_STREAM_LIFE,
	 "sched_process_exec",
	 {{"tid", SHAPE_INT, 4},
	  {"old_tid", SHAPE_INT, 4},
	  {"comm", SHAPE_TEXT, RECORDER_COMM_BYTES},
	  {"filename", SHAPE_TEXT, RECORDER_PATH_BYTES}}},
	{RECORDER_EXIT,
	 RECORDER_STREAM_LIFE,
	 "sched_process_exit",
	 {{"tid", SHAPE_INT, 4},
	  {"pid", SHAPE_INT, 4},
	  {"prio", SHAPE_INT, 4},
	  {"comm", SHAPE_TEXT, RECORDER_COMM_BYTES}}},
	{RECORDER_RENAME,
	 RECORDER_STREAM_LIFE,
	 "task_rename",
	 {{"tid", SHAPE_INT, 4}, {"newcomm", SHAPE_TEXT, RECORDER_COMM_BYTES}}},
};

static const struct type *member_type(struct schema *s, const struct member *m)
{
	unsigned bits = m->bytes * 8u;
	switch (m->shape) {
	case SHAPE_TEXT:
		return type_text(s, m->bytes);
	case SHAPE_ADDRESSES:
		return type_sequence(s, type_integer(s, bits, false, 16), "count");
	case SHAPE_HEX:
		return type_integer(s, bits, false, 16);
	default:
		return type_integer(s, bits, m->shape == SHAPE_INT, 10);
	}
}

int recorder_schema(struct schema *s, struct err *e)
{
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		const struct record *r = &records[i];
		uint32_t count = 0;
		while (count < MEMBERS_MAX && r->members[count].name)
			count++;
		struct type *payload = type_struct(s, count);
		if (!payload)
			return err_set(e, ENOMEM, "no memory for the event types");
		for (uint32_t m = 0; m < count; m++)
			type_set_field(payload, m, r->members[m].name,
				       member_type(s, &r->members[m]));
		struct event_type *type;
		int status = schema_add(s, r->stream, r->id, r->name, NULL, payload, &type, e);
		if (status < 0)
			return status;
	}
	return 0;
}
