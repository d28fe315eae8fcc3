/* SPDX-License-Identifier: MIT */
#include "kernel/convert_known.h"

#include <stdio.h>
#include <string.h>

/* common_flags: what the processor was doing. */
enum { FLAG_HARDIRQ = 0x08, FLAG_SOFTIRQ = 0x10, FLAG_NMI = 0x40 };

/* A request's flags as block_rq_issue's bits have them (linux/blk_types.h). */
enum {
	REQUEST_READ = 0,
	REQUEST_WRITE = 1,
	REQUEST_FLUSH = 2,
	REQUEST_DISCARD = 3,
	REQUEST_SECURE_ERASE = 5,
	REQUEST_OTHER = 34, /* REQ_OP_DRV_IN: rwbs says only "N" */
	REQUEST_SYNC = 1 << 11,
	REQUEST_META = 1 << 12,
	REQUEST_FUA = 1 << 17,
	REQUEST_PREFLUSH = 1 << 18,
	REQUEST_RAHEAD = 1 << 19,
};

static int32_t current_tid(const struct raw *raw)
{
	int32_t tid;
	memcpy(&tid, raw->data + 4, sizeof(tid));
	return tid;
}

/* Bits of the tracepoint's own, above those of TASK_REPORT. */
enum { REPORTED_IDLE = 0x80, REPORTED_PREEMPTED = 0x100 };

static void finish_switch(const struct raw *raw, void *payload)
{
	struct recorder_switch *record = payload;
	(void)raw;
	if (record->prev_state & REPORTED_PREEMPTED)
		record->prev_state = TASK_PREEMPTED;
	else if (record->prev_state == REPORTED_IDLE)
		record->prev_state = TASK_UNINTERRUPTIBLE | TASK_NOLOAD;
}

static void finish_waking(const struct raw *raw, void *payload)
{
	struct recorder_waking *record = payload;
	uint8_t flags = raw->data[2];
	record->context = flags & FLAG_NMI       ? WAKING_FROM_NMI
			  : flags & FLAG_HARDIRQ ? WAKING_FROM_IRQ
			  : flags & FLAG_SOFTIRQ ? WAKING_FROM_SOFTIRQ
						 : WAKING_FROM_TASK;
}

/* "FWFSM": flush first, then the operation, then what else was asked. */
static uint32_t request_bits(const char *rwbs)
{
	uint32_t bits = 0;
	if (rwbs[0] == 'F' && rwbs[1] && strchr("FWDRN", rwbs[1])) {
		bits = REQUEST_PREFLUSH;
		rwbs++;
	}
	switch (*rwbs) {
	case 'W':
		bits |= REQUEST_WRITE;
		break;
	case 'R':
		bits |= REQUEST_READ;
		break;
	case 'F':
		bits |= REQUEST_FLUSH;
		break;
	case 'D':
		bits |= rwbs[1] == 'E' ? REQUEST_SECURE_ERASE : REQUEST_DISCARD;
		break;
	default:
		bits |= REQUEST_OTHER;
	}
	for (rwbs += *rwbs != 0; *rwbs; rwbs++)
		bits |= *rwbs == 'F'   ? REQUEST_FUA
			: *rwbs == 'A' ? REQUEST_RAHEAD
			: *rwbs == 'S' ? REQUEST_SYNC
			: *rwbs == 'M' ? REQUEST_META
				       : 0;
	return bits;
}

static uint32_t rwbs_of(const struct raw *raw)
{
	const struct format_field *field = format_find(raw->event->format, "rwbs");
	size_t bytes;
	const char *text = field ? format_bytes(field, raw->data, raw->bytes, &bytes) : NULL;
	char rwbs[16] = "";
	if (text)
		memcpy(rwbs, text, bytes < sizeof(rwbs) ? bytes : sizeof(rwbs) - 1);
	return request_bits(rwbs);
}

static void finish_issue(const struct raw *raw, void *payload)
{
	struct recorder_block_issue *record = payload;
	record->rwbs = rwbs_of(raw);
	record->tid = current_tid(raw);
	/* The tracepoint hides a sector that was never set; its completion does not. */
	if (!record->sector && !record->bytes)
		record->sector = ~0ull;
}

static void finish_done(const struct raw *raw, void *payload)
{
	struct recorder_block_done *record = payload;
	record->rwbs = rwbs_of(raw);
}

static void finish_syscall_entry(const struct raw *raw, void *payload)
{
	struct recorder_syscall_entry *record = payload;
	const struct format_field *args = format_find(raw->event->format, "args");
	if (args && args->size >= sizeof(record->arg0))
		memcpy(&record->arg0, raw->data + args->offset, sizeof(record->arg0));
}

/* Only listened to: a fork event does not say whether the child is a thread. */
static void finish_newtask(const struct raw *raw, void *payload)
{
	(void)payload;
	int32_t tid = (int32_t)format_uint(raw->event->fields[0], raw->data, raw->bytes);
	uint64_t flags = format_uint(raw->event->fields[1], raw->data, raw->bytes);
	targets_announce(&raw->convert->targets, tid, flags);
}

static void finish_fork(const struct raw *raw, void *payload)
{
	struct recorder_fork *record = payload;
	targets_born(&raw->convert->targets, record->parent_tid, record->child_tid,
		     &record->parent_pid, &record->child_pid);
}

/* The kernel names the thread after the file's last part. */
static void finish_exec(const struct raw *raw, void *payload)
{
	struct recorder_exec *record = payload;
	const char *slash = strrchr(record->filename, '/');
	snprintf(record->comm, sizeof(record->comm), "%.15s", slash ? slash + 1 : record->filename);
	/* Whichever thread called it is the process's only one now. */
	targets_set(&raw->convert->targets, record->tid, record->tid);
}

static void finish_exit(const struct raw *raw, void *payload)
{
	struct recorder_exit *record = payload;
	record->pid = targets_tgid(&raw->convert->targets, record->tid);
	if (!record->pid)
		record->pid = record->tid;
}

static void finish_rename(const struct raw *raw, void *payload)
{
	struct recorder_rename *record = payload;
	if (!raw->event->fields[0])
		record->tid = current_tid(raw);
}

/* clang-format off */
#define NUMBER(field, type, member)                                                                \
	{field, offsetof(struct type, member), sizeof(((struct type *)0)->member), false}
#define TEXT(field, type, member)                                                                  \
	{field, offsetof(struct type, member), sizeof(((struct type *)0)->member), true}
#define KNOWN(set, concern, stream, subsystem, name, id, type, finish, ...)                        \
	{subsystem, name, set, concern, stream, id, sizeof(struct type), finish, {__VA_ARGS__}}
#define WAITS_OF(concern, ...)                                                                     \
	KNOWN(KNOWN_WAITS, CONCERNS_##concern, RECORDER_STREAM_EVENTS, __VA_ARGS__)
#define WAITS(...) WAITS_OF(ALL, __VA_ARGS__)
#define LIFE(...)  KNOWN(KNOWN_WAITS, CONCERNS_ALL, RECORDER_STREAM_LIFE, __VA_ARGS__)
#define LOCKS(...) KNOWN(KNOWN_LOCKS, CONCERNS_ALL, RECORDER_STREAM_EVENTS, __VA_ARGS__)
#define SYSCALLS(...)                                                                              \
	KNOWN(KNOWN_SYSCALLS, CONCERNS_CURRENT, RECORDER_STREAM_EVENTS, __VA_ARGS__)

const struct known known_events[] = {
	WAITS_OF(BOTH, "sched", "sched_switch", RECORDER_SWITCH, recorder_switch,
		 finish_switch,
		 NUMBER("prev_pid", recorder_switch, prev_tid),
		 NUMBER("next_pid", recorder_switch, next_tid),
		 NUMBER("prev_state", recorder_switch, prev_state),
		 NUMBER("prev_prio", recorder_switch, prev_prio),
		 NUMBER("next_prio", recorder_switch, next_prio)),
	WAITS_OF(WAKING, "sched", "sched_waking", RECORDER_WAKING, recorder_waking,
		 finish_waking,
		 NUMBER("pid", recorder_waking, tid),
		 NUMBER("target_cpu", recorder_waking, target_cpu),
		 NUMBER("prio", recorder_waking, prio)),
	WAITS_OF(SUBJECT, "sched", "sched_wakeup_new", RECORDER_WAKEUP_NEW, recorder_waking,
		 finish_waking,
		 NUMBER("pid", recorder_waking, tid),
		 NUMBER("target_cpu", recorder_waking, target_cpu),
		 NUMBER("prio", recorder_waking, prio)),
	WAITS("irq", "irq_handler_entry", RECORDER_IRQ_ENTRY, recorder_irq_entry, NULL,
	      NUMBER("irq", recorder_irq_entry, irq)),
	WAITS("irq", "irq_handler_exit", RECORDER_IRQ_EXIT, recorder_irq_exit, NULL,
	      NUMBER("irq", recorder_irq_exit, irq),
	      NUMBER("ret", recorder_irq_exit, ret)),
	WAITS("irq", "softirq_entry", RECORDER_SOFTIRQ_ENTRY, recorder_softirq, NULL,
	      NUMBER("vec", recorder_softirq, vec)),
	WAITS("irq", "softirq_exit", RECORDER_SOFTIRQ_EXIT, recorder_softirq, NULL,
	      NUMBER("vec", recorder_softirq, vec)),
	WAITS("irq", "softirq_raise", RECORDER_SOFTIRQ_RAISE, recorder_softirq, NULL,
	      NUMBER("vec", recorder_softirq, vec)),
	WAITS("timer", "hrtimer_expire_entry", RECORDER_HRTIMER_ENTRY, recorder_timer_entry, NULL,
	      NUMBER("hrtimer", recorder_timer_entry, timer),
	      NUMBER("function", recorder_timer_entry, function)),
	WAITS("timer", "hrtimer_expire_exit", RECORDER_HRTIMER_EXIT, recorder_timer_exit, NULL,
	      NUMBER("hrtimer", recorder_timer_exit, timer)),
	WAITS("timer", "timer_expire_entry", RECORDER_TIMER_ENTRY, recorder_timer_entry, NULL,
	      NUMBER("timer", recorder_timer_entry, timer),
	      NUMBER("function", recorder_timer_entry, function)),
	WAITS("timer", "timer_expire_exit", RECORDER_TIMER_EXIT, recorder_timer_exit, NULL,
	      NUMBER("timer", recorder_timer_exit, timer)),
	WAITS("workqueue", "workqueue_queue_work", RECORDER_WORK_QUEUE, recorder_work, NULL,
	      NUMBER("work", recorder_work, work),
	      NUMBER("function", recorder_work, function)),
	WAITS("workqueue", "workqueue_execute_start", RECORDER_WORK_START, recorder_work, NULL,
	      NUMBER("work", recorder_work, work),
	      NUMBER("function", recorder_work, function)),
	WAITS("workqueue", "workqueue_execute_end", RECORDER_WORK_END, recorder_work_end, NULL,
	      NUMBER("work", recorder_work_end, work)),
	WAITS("block", "block_rq_issue", RECORDER_BLOCK_ISSUE, recorder_block_issue, finish_issue,
	      NUMBER("sector", recorder_block_issue, sector),
	      NUMBER("dev", recorder_block_issue, dev),
	      NUMBER("nr_sector", recorder_block_issue, nr_sector),
	      NUMBER("bytes", recorder_block_issue, bytes)),
	WAITS("block", "block_rq_complete", RECORDER_BLOCK_DONE, recorder_block_done, finish_done,
	      NUMBER("sector", recorder_block_done, sector),
	      NUMBER("dev", recorder_block_done, dev),
	      NUMBER("nr_sector", recorder_block_done, nr_sector),
	      NUMBER("error", recorder_block_done, error)),
	WAITS_OF(SUBJECT, "signal", "signal_generate", RECORDER_SIGNAL, recorder_signal,
		 NULL,
		 NUMBER("pid", recorder_signal, tid),
		 NUMBER("sig", recorder_signal, sig)),
	LOCKS("lock", "contention_begin", RECORDER_CONTENTION_BEGIN, recorder_contention_begin,
	      NULL,
	      NUMBER("lock_addr", recorder_contention_begin, lock_addr),
	      NUMBER("flags", recorder_contention_begin, flags)),
	LOCKS("lock", "contention_end", RECORDER_CONTENTION_END, recorder_contention_end, NULL,
	      NUMBER("lock_addr", recorder_contention_end, lock_addr),
	      NUMBER("ret", recorder_contention_end, ret)),
	SYSCALLS("raw_syscalls", "sys_enter", RECORDER_SYSCALL_ENTRY, recorder_syscall_entry,
		 finish_syscall_entry,
		 NUMBER("id", recorder_syscall_entry, id)),
	SYSCALLS("raw_syscalls", "sys_exit", RECORDER_SYSCALL_EXIT, recorder_syscall_exit, NULL,
		 NUMBER("id", recorder_syscall_exit, id),
		 NUMBER("ret", recorder_syscall_exit, ret)),
	{"task", "task_newtask", KNOWN_WAITS, CONCERNS_ALL, RECORDER_STREAM_LIFE, 0, 0,
	 finish_newtask, {{"pid"}, {"clone_flags"}}},
	LIFE("sched", "sched_process_fork", RECORDER_FORK, recorder_fork, finish_fork,
	     NUMBER("parent_pid", recorder_fork, parent_tid),
	     NUMBER("child_pid", recorder_fork, child_tid),
	     TEXT("child_comm", recorder_fork, child_comm)),
	LIFE("sched", "sched_process_exec", RECORDER_EXEC, recorder_exec, finish_exec,
	     NUMBER("pid", recorder_exec, tid),
	     NUMBER("old_pid", recorder_exec, old_tid),
	     TEXT("filename", recorder_exec, filename)),
	LIFE("sched", "sched_process_exit", RECORDER_EXIT, recorder_exit, finish_exit,
	     NUMBER("pid", recorder_exit, tid),
	     NUMBER("prio", recorder_exit, prio),
	     TEXT("comm", recorder_exit, comm)),
	LIFE("task", "task_rename", RECORDER_RENAME, recorder_rename, finish_rename,
	     NUMBER("pid", recorder_rename, tid),
	     TEXT("newcomm", recorder_rename, newcomm)),
};
/* clang-format on */

const size_t known_count = sizeof(known_events) / sizeof(known_events[0]);
