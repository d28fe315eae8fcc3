/* SPDX-License-Identifier: MIT */
/*
 * The events cairn knows by name, and the fields of them it reads.
 *
 * One table binds names to small numbers, once per trace, so that an analysis says
 * `event_int(e, SWITCH_PREV_TID)` whatever tool recorded the trace. Names are LTTng's where LTTng
 * has the event; `a|b` lists the names other tracers use for the same field.
 */
#ifndef CAIRN_EVENT_KNOWN_H
#define CAIRN_EVENT_KNOWN_H

#define EVENT_SLOTS_MAX 10

/* X(KIND, PREFIX, name, F(slot, field names)…) */
/* clang-format off */
#define EVENT_KNOWN(X, F)                                                                          \
	/* Made by readers where a stream says it lost events; time is the end of the gap. */      \
	X(LOST, LOST, "lost_events",                                                               \
	  F(LOST, COUNT, "count") F(LOST, BEGIN, "begin") F(LOST, PACKETS, "packets"))             \
	X(SCHED_SWITCH, SWITCH, "sched_switch",                                                    \
	  F(SWITCH, PREV_TID, "prev_tid|prev_pid") F(SWITCH, NEXT_TID, "next_tid|next_pid")        \
	  F(SWITCH, PREV_STATE, "prev_state") F(SWITCH, PREV_PRIO, "prev_prio")                    \
	  F(SWITCH, NEXT_PRIO, "next_prio") F(SWITCH, PREV_SITE, "prev_site")                      \
	  F(SWITCH, PREV_ARG, "prev_arg") F(SWITCH, PREV_COMM, "prev_comm")                        \
	  F(SWITCH, NEXT_COMM, "next_comm"))                                                       \
	X(SCHED_WAKING, WAKING, "sched_waking",                                                    \
	  F(WAKING, TID, "tid|pid") F(WAKING, TARGET_CPU, "target_cpu") F(WAKING, PRIO, "prio")    \
	  F(WAKING, CONTEXT, "context") F(WAKING, WAKER_SITE, "waker_site")                        \
	  F(WAKING, COMM, "comm"))                                                                 \
	X(SCHED_WAKEUP, WAKEUP, "sched_wakeup",                                                    \
	  F(WAKEUP, TID, "tid|pid") F(WAKEUP, TARGET_CPU, "target_cpu"))                           \
	X(SCHED_WAKEUP_NEW, WAKEUP_NEW, "sched_wakeup_new",                                        \
	  F(WAKEUP_NEW, TID, "tid|pid") F(WAKEUP_NEW, TARGET_CPU, "target_cpu"))                   \
	X(SCHED_FORK, FORK, "sched_process_fork",                                                  \
	  F(FORK, PARENT_TID, "parent_tid|parent_pid") F(FORK, PARENT_PID, "parent_pid")           \
	  F(FORK, CHILD_TID, "child_tid|child_pid") F(FORK, CHILD_PID, "child_pid")                \
	  F(FORK, CHILD_COMM, "child_comm"))                                                       \
	X(SCHED_EXEC, EXEC, "sched_process_exec",                                                  \
	  F(EXEC, TID, "tid|pid") F(EXEC, OLD_TID, "old_tid|old_pid")                              \
	  F(EXEC, FILENAME, "filename") F(EXEC, COMM, "comm"))                                     \
	X(SCHED_EXIT, EXIT, "sched_process_exit",                                                  \
	  F(EXIT, TID, "tid|pid") F(EXIT, PRIO, "prio") F(EXIT, COMM, "comm"))                     \
	X(TASK_RENAME, RENAME, "task_rename",                                                      \
	  F(RENAME, TID, "tid|pid") F(RENAME, COMM, "newcomm"))                                    \
	X(IRQ_ENTRY, IRQ_ENTRY, "irq_handler_entry", F(IRQ_ENTRY, IRQ, "irq")                      \
	  F(IRQ_ENTRY, NAME, "name"))                                                              \
	X(IRQ_EXIT, IRQ_EXIT, "irq_handler_exit", F(IRQ_EXIT, IRQ, "irq"))                         \
	X(SOFTIRQ_ENTRY, SOFTIRQ_ENTRY, "softirq_entry", F(SOFTIRQ_ENTRY, VEC, "vec"))             \
	X(SOFTIRQ_EXIT, SOFTIRQ_EXIT, "softirq_exit", F(SOFTIRQ_EXIT, VEC, "vec"))                 \
	X(SOFTIRQ_RAISE, SOFTIRQ_RAISE, "softirq_raise", F(SOFTIRQ_RAISE, VEC, "vec"))             \
	X(HRTIMER_ENTRY, HRTIMER_ENTRY, "hrtimer_expire_entry|timer_hrtimer_expire_entry",         \
	  F(HRTIMER_ENTRY, TIMER, "hrtimer") F(HRTIMER_ENTRY, FUNCTION, "function"))               \
	X(HRTIMER_EXIT, HRTIMER_EXIT, "hrtimer_expire_exit|timer_hrtimer_expire_exit",             \
	  F(HRTIMER_EXIT, TIMER, "hrtimer"))                                                       \
	X(TIMER_ENTRY, TIMER_ENTRY, "timer_expire_entry",                                          \
	  F(TIMER_ENTRY, TIMER, "timer") F(TIMER_ENTRY, FUNCTION, "function"))                     \
	X(TIMER_EXIT, TIMER_EXIT, "timer_expire_exit", F(TIMER_EXIT, TIMER, "timer"))              \
	X(WORK_QUEUE, WORK_QUEUE, "workqueue_queue_work",                                          \
	  F(WORK_QUEUE, WORK, "work") F(WORK_QUEUE, FUNCTION, "function"))                         \
	X(WORK_START, WORK_START, "workqueue_execute_start",                                       \
	  F(WORK_START, WORK, "work") F(WORK_START, FUNCTION, "function"))                         \
	X(WORK_END, WORK_END, "workqueue_execute_end", F(WORK_END, WORK, "work"))                  \
	X(BLOCK_ISSUE, BLOCK_ISSUE, "block_rq_issue",                                              \
	  F(BLOCK_ISSUE, DEV, "dev") F(BLOCK_ISSUE, SECTOR, "sector")                              \
	  F(BLOCK_ISSUE, BYTES, "bytes") F(BLOCK_ISSUE, RWBS, "rwbs")                              \
	  F(BLOCK_ISSUE, SECTORS, "nr_sector"))                                                    \
	X(BLOCK_DONE, BLOCK_DONE, "block_rq_complete",                                             \
	  F(BLOCK_DONE, DEV, "dev") F(BLOCK_DONE, SECTOR, "sector")                                \
	  F(BLOCK_DONE, SECTORS, "nr_sector") F(BLOCK_DONE, ERROR, "error")                        \
	  F(BLOCK_DONE, RWBS, "rwbs"))                                                             \
	X(SIGNAL, SIGNAL, "signal_generate",                                                       \
	  F(SIGNAL, TID, "tid|pid") F(SIGNAL, SIG, "sig"))                                         \
	X(CONTENTION_BEGIN, CONTENTION_BEGIN, "contention_begin",                                  \
	  F(CONTENTION_BEGIN, LOCK, "lock_addr") F(CONTENTION_BEGIN, FLAGS, "flags"))              \
	X(CONTENTION_END, CONTENTION_END, "contention_end",                                        \
	  F(CONTENTION_END, LOCK, "lock_addr") F(CONTENTION_END, RET, "ret"))                      \
	X(SYSCALL_ENTRY, SYSCALL_ENTRY, "sys_enter",                                               \
	  F(SYSCALL_ENTRY, NR, "id|nr") F(SYSCALL_ENTRY, ARG, "arg0"))                             \
	X(SYSCALL_EXIT, SYSCALL_EXIT, "sys_exit",                                                  \
	  F(SYSCALL_EXIT, NR, "id|nr") F(SYSCALL_EXIT, RET, "ret"))                                \
	/* A place threads sleep or wake others at: its system call and stack, innermost first. */ \
	X(SITE, SITE, "cairn_site",                                                                \
	  F(SITE, ID, "site") F(SITE, PID, "pid") F(SITE, SYSCALL, "syscall")                      \
	  F(SITE, FLAGS, "flags") F(SITE, COUNT, "count") F(SITE, IPS, "ips"))                     \
	/* In a stream of markers: whose events follow. */                                        \
	X(WRITER, WRITER, "cairn_writer", F(WRITER, TID, "tid") F(WRITER, PID, "pid"))             \
	/* The state dump: what the tool read outside the ring. */                                 \
	X(STATE_THREAD, STATE_THREAD, "lttng_statedump_process_state",                             \
	  F(STATE_THREAD, TID, "tid") F(STATE_THREAD, PID, "pid") F(STATE_THREAD, PPID, "ppid")    \
	  F(STATE_THREAD, NAME, "name") F(STATE_THREAD, TYPE, "type")                              \
	  F(STATE_THREAD, STATUS, "status"))                                                       \
	X(STATE_ARGS, STATE_ARGS, "cairn_process_args",                                            \
	  F(STATE_ARGS, PID, "pid") F(STATE_ARGS, ARGS, "args"))                                   \
	X(STATE_MAP, STATE_MAP, "cairn_process_map",                                               \
	  F(STATE_MAP, PID, "pid") F(STATE_MAP, START, "start") F(STATE_MAP, END, "end")           \
	  F(STATE_MAP, OFFSET, "offset") F(STATE_MAP, PATH, "path")                                \
	  F(STATE_MAP, BUILD_ID, "build_id"))                                                      \
	X(STATE_FD, STATE_FD, "lttng_statedump_file_descriptor",                                   \
	  F(STATE_FD, PID, "pid") F(STATE_FD, FD, "fd") F(STATE_FD, PATH, "filename"))             \
	X(STATE_IRQ, STATE_IRQ, "lttng_statedump_interrupt",                                       \
	  F(STATE_IRQ, IRQ, "irq") F(STATE_IRQ, NAME, "name") F(STATE_IRQ, ACTION, "action"))      \
	X(STATE_DISK, STATE_DISK, "lttng_statedump_block_device",                                  \
	  F(STATE_DISK, DEV, "dev") F(STATE_DISK, NAME, "diskname"))                               \
	X(STATE_SYMBOL, STATE_SYMBOL, "cairn_kernel_symbol",                                       \
	  F(STATE_SYMBOL, ADDR, "addr") F(STATE_SYMBOL, NAME, "name")                              \
	  F(STATE_SYMBOL, OFFSET, "offset"))                                                       \
	X(STATE_CLOCK, STATE_CLOCK, "cairn_clock",                                                 \
	  F(STATE_CLOCK, TSC, "tsc") F(STATE_CLOCK, MONO, "monotonic")                             \
	  F(STATE_CLOCK, RAW, "monotonic_raw") F(STATE_CLOCK, REAL, "realtime")                    \
	  F(STATE_CLOCK, WINDOW, "window_ns"))                                                     \
	X(STATE_TARGET, STATE_TARGET, "cairn_target", F(STATE_TARGET, PID, "pid"))                 \
	/* What the recorder cost and lost, by the recorder's own account. */                      \
	X(STATE_RECORDER, STATE_RECORDER, "cairn_recorder",                                        \
	  F(STATE_RECORDER, CPU_NS, "cpu_ns") F(STATE_RECORDER, WALL_NS, "wall_ns")                \
	  F(STATE_RECORDER, EVENTS, "events") F(STATE_RECORDER, LOST, "lost")                      \
	  F(STATE_RECORDER, MISSES, "misses") F(STATE_RECORDER, PROBE_NS, "probe_ns"))
/* clang-format on */

enum event_kind {
	EVENT_OTHER,
#define X(kind, prefix, name, fields) EVENT_##kind,
#define F(prefix, slot, names)
	EVENT_KNOWN(X, F)
#undef X
#undef F
		EVENT_KINDS
};

/* Slots are numbered from 0 in each kind: enum slot_switch { SWITCH_PREV_TID, … } and so on. */
#define X(kind, prefix, name, fields) enum slot_of_##prefix{fields prefix##_SLOTS};
#define F(prefix, slot, names)        prefix##_##slot,
EVENT_KNOWN(X, F)
#undef X
#undef F

/* sched_waking's `context`: what ran when the waking came. */
enum waking_context {
	WAKING_FROM_TASK = 0,
	WAKING_FROM_SOFTIRQ = 1,
	WAKING_FROM_IRQ = 2,
	WAKING_FROM_NMI = 4,
};

/* cairn_site's `flags`. */
enum site_flags {
	SITE_COMPLETE = 1,         /* the stack reached its outermost frame */
	SITE_BY_FRAME_POINTER = 2, /* frames by saved RBP: the immediate caller may be missing */
	SITE_NO_TABLE = 4,         /* cut: a mapping without unwind rows */
	SITE_FAULT = 8,            /* cut: a page of the stack was not there */
};

/* sched_switch's `prev_state`: Linux's raw bits, equal in 6.1 to 6.18. 0 = still runnable. */
enum task_state {
	TASK_PREEMPTED = 0,
	TASK_INTERRUPTIBLE = 0x1,
	TASK_UNINTERRUPTIBLE = 0x2,
	TASK_STOPPED = 0x4,
	TASK_TRACED = 0x8,
	TASK_EXIT_DEAD = 0x10,
	TASK_ZOMBIE = 0x20,
	TASK_PARKED = 0x40,
	TASK_DEAD = 0x80,    /* its last switch */
	TASK_NOLOAD = 0x400, /* with UNINTERRUPTIBLE: an idle kernel thread */
};

#endif
