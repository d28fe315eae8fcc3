/* SPDX-License-Identifier: MIT */
/*
 * What the BPF recorder and the tool share: the events' bytes and the recorder's state.
 *
 * Every record is the event word of ring/ring_abi.h followed by one of these payloads, padded to
 * RING_EVENT_ALIGN by the next record's start. Members follow each other without gaps:
 * the trace says so. kernel/recorder_schema.c describes the same bytes
 * to the trace's metadata; its test compares the two, member by member.
 */
#ifndef CAIRN_KERNEL_RECORDER_ABI_H
#define CAIRN_KERNEL_RECORDER_ABI_H

#include "ring/ring_abi.h"

#ifndef __bpf__
typedef int32_t recorder_s32;
typedef int64_t recorder_s64;
typedef int16_t recorder_s16;
#else
typedef __s32 recorder_s32;
typedef __s64 recorder_s64;
typedef __s16 recorder_s16;
#endif

enum {
	RECORDER_SUBBUF_SHIFT = 16,
	RECORDER_SUBBUF_BYTES = 1 << RECORDER_SUBBUF_SHIFT,
	RECORDER_CPUS_MAX = 1024,
	RECORDER_COMM_BYTES = 16,
	RECORDER_PATH_BYTES = 96,
	RECORDER_FRAMES_MAX = 64,
	RECORDER_GENERIC_ID = 64, /* the first id of events the user asked for by name */
	RECORDER_GENERIC_BYTES_MAX = 1024,
};

/* Streams (CTF stream classes): one file a cpu for each of the first two. */
enum recorder_stream {
	RECORDER_STREAM_EVENTS = 0, /* the hot ring */
	RECORDER_STREAM_LIFE = 1,   /* fork, exec, exit, rename: rare, must not be wrapped away */
	RECORDER_STREAM_STATE = 2,  /* the state dump, written by the tool */
	RECORDER_STREAMS,
};

enum recorder_event {
	RECORDER_SWITCH = 1,   /* sched_switch of a thread that stays runnable */
	RECORDER_SWITCH_SLEEP, /* sched_switch of one that sleeps: with its site */
	RECORDER_WAKING,
	RECORDER_WAKING_SITE, /* sched_waking by a thread whose site is known */
	RECORDER_WAKEUP_NEW,
	RECORDER_IRQ_ENTRY,
	RECORDER_IRQ_EXIT,
	RECORDER_SOFTIRQ_ENTRY,
	RECORDER_SOFTIRQ_EXIT,
	RECORDER_SOFTIRQ_RAISE,
	RECORDER_HRTIMER_ENTRY,
	RECORDER_HRTIMER_EXIT,
	RECORDER_TIMER_ENTRY,
	RECORDER_TIMER_EXIT,
	RECORDER_WORK_QUEUE,
	RECORDER_WORK_START,
	RECORDER_WORK_END,
	RECORDER_BLOCK_ISSUE,
	RECORDER_BLOCK_DONE,
	RECORDER_SIGNAL,
	RECORDER_CONTENTION_BEGIN,
	RECORDER_CONTENTION_END,
	RECORDER_SYSCALL_ENTRY,
	RECORDER_SYSCALL_EXIT,
	RECORDER_SITE,
	/* In RECORDER_STREAM_LIFE. */
	RECORDER_FORK,
	RECORDER_EXEC,
	RECORDER_EXIT,
	RECORDER_RENAME,
	RECORDER_EVENTS
};

struct recorder_switch {
	recorder_s32 prev_tid;
	recorder_s32 next_tid;
	RING_U16 prev_state;
	RING_U8 prev_prio;
	RING_U8 next_prio;
};

struct recorder_switch_sleep {
	recorder_s32 prev_tid;
	recorder_s32 next_tid;
	RING_U16 prev_state;
	RING_U8 prev_prio;
	RING_U8 next_prio;
	RING_U32 prev_site; /* 0 = unknown: a kernel thread, or no room */
	RING_U64 prev_arg;  /* first argument of the system call: an fd, a futex address */
};

struct recorder_waking {
	recorder_s32 tid;
	recorder_s16 target_cpu;
	RING_U8 prio;
	RING_U8 context; /* enum waking_context */
};

struct recorder_waking_site {
	recorder_s32 tid;
	recorder_s16 target_cpu;
	RING_U8 prio;
	RING_U8 context;
	RING_U32 waker_site;
};

struct recorder_irq_entry {
	recorder_s32 irq;
};

struct recorder_irq_exit {
	recorder_s32 irq;
	recorder_s32 ret;
};

struct recorder_softirq {
	RING_U32 vec;
};

struct recorder_timer_entry { /* hrtimers and timers alike */
	RING_U64 timer;
	RING_U64 function;
};

struct recorder_timer_exit {
	RING_U64 timer;
};

struct recorder_work {
	RING_U64 work;
	RING_U64 function;
};

struct recorder_work_end {
	RING_U64 work;
};

struct recorder_block_issue {
	RING_U64 sector; /* ~0 for requests without data (a flush) */
	RING_U32 dev;
	RING_U32 nr_sector;
	RING_U32 bytes;
	RING_U32 rwbs; /* REQ_OP in the low 8 bits, the request's flags above */
	recorder_s32 tid;
};

struct recorder_block_done {
	RING_U64 sector;
	RING_U32 dev;
	RING_U32 nr_sector;
	recorder_s32 error;
	RING_U32 rwbs;
};

struct recorder_signal {
	recorder_s32 tid;
	recorder_s32 sig;
};

struct recorder_contention_begin {
	RING_U64 lock_addr;
	RING_U32 flags;
};

struct recorder_contention_end {
	RING_U64 lock_addr;
	recorder_s32 ret;
};

struct recorder_syscall_entry {
	RING_U32 id;
	RING_U32 arg0; /* low half: an fd, flags; sys_enter's own fields have it whole */
};

struct recorder_syscall_exit {
	recorder_s32 id;
	recorder_s32 ret;
};

struct recorder_site {
	RING_U32 site;
	recorder_s32 pid;
	recorder_s32 syscall; /* −1 outside a system call */
	RING_U16 flags;       /* enum site_flags */
	RING_U16 count;
	RING_U64 ips[RECORDER_FRAMES_MAX]; /* `count` of them are recorded */
};

struct recorder_fork {
	recorder_s32 parent_tid;
	recorder_s32 parent_pid;
	recorder_s32 child_tid;
	recorder_s32 child_pid;
	char child_comm[RECORDER_COMM_BYTES];
};

struct recorder_exec {
	recorder_s32 tid;
	recorder_s32 old_tid;
	char comm[RECORDER_COMM_BYTES];
	char filename[RECORDER_PATH_BYTES];
};

struct recorder_exit {
	recorder_s32 tid;
	recorder_s32 pid;
	recorder_s32 prio;
	char comm[RECORDER_COMM_BYTES];
};

struct recorder_rename {
	recorder_s32 tid;
	char newcomm[RECORDER_COMM_BYTES];
};

/*
 * A place in a ring, as one word: the sub-buffer's index in the ring's map (all cpus') in bits 40
 * to 63, the lap in bits 16 to 39, the byte in it below. The number of a sub-buffer in its cpu's
 * ring is lap × sub-buffers + index − the cpu's first index. A sub-buffer is never filled to its
 * last byte, so a place always names the sub-buffer it is in.
 *
 * The lap begins again after 16 million, at least 4 TB of one cpu's events: for that one lap a
 * flight recorder seems to have begun just now.
 */
#define RECORDER_HEAD(lap, index, at)                                                              \
	((RING_U64)(index) << 40 | (RING_U64)((lap) % (1 << 24)) << 16 | (RING_U64)(at))
#define RECORDER_HEAD_LAP(head)   ((RING_U64)(head) >> 16 & 0xffffff)
#define RECORDER_HEAD_INDEX(head) ((RING_U32)((head) >> 40))
#define RECORDER_HEAD_AT(head)    ((head) & (RECORDER_SUBBUF_BYTES - 1))

/*
 * One ring's state, one cache line; a cpu has one for each of the first two streams.
 * Everything below `commit` is completely written.
 */
struct recorder_ring {
	union {
		RING_U64 head;
		struct { /* the writer loads its parts: that is shorter than shifts and masks */
			RING_U16 head_at;
			RING_U8 head_lap[3];
			RING_U8 head_index[3]; /* with a byte of `zero` a 32-bit key of the map */
		};
	};
	RING_U32 zero;
	RING_U32 tid; /* runs on this cpu now */
	RING_U64 commit;
	RING_U64 consumed; /* by the tool, in sub-buffers; only looked at in discard mode */
	RING_U64 discarded;
	RING_U32 irq_depth;     /* of interrupt and timer handlers on this cpu now */
	RING_U32 softirq_depth; /* both set back to 0 at every context switch */
	RING_U32 spare[4];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct recorder_ring) == 64, "a ring's state is one cache line");

#endif
