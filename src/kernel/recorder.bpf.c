/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The recorder inside the kernel: one small program a tracepoint, each writes one record.
 *
 * A program that nobody asked for is not loaded; a tracepoint a kernel does not have leaves only
 * its own program out.
 */
#include "kernel/generic.bpf.h"
#include "kernel/generic_call.bpf.h"
#include "kernel/generic_probe.bpf.h"
#include "kernel/ring.bpf.h"
#include "kernel/site.bpf.h"
#include "kernel/target.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/*
 * What interrupts what on a cpu, counted from the very events the recorder sees: the kernel's own
 * count is not reachable from BPF on every kernel.
 */
static __always_inline void context_enter(__u32 *depth)
{
	++*depth;
}

static __always_inline void context_leave(__u32 *depth)
{
	if (*depth)
		--*depth;
}

static __always_inline __u8 context_now(const struct recorder_ring *ring)
{
	return ring->irq_depth ? 2 : ring->softirq_depth ? 1 : 0;
}

/* The plain case: reserve, assign the members, commit. */
#define RECORD(ring, id, type, ...)                                                                \
	do {                                                                                       \
		struct ring_claim claim_;                                                          \
		struct type *r = ring_reserve(ring, RECORDER_STREAM_EVENTS, id, sizeof(*r),        \
					      sizeof(*r), &claim_);                                \
		if (r) {                                                                           \
			__VA_ARGS__;                                                               \
			ring_commit(ring, &claim_);                                                \
		}                                                                                  \
	} while (0)

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int state)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	ring->irq_depth = ring->softirq_depth = 0;
	ring->tid = next->pid;
	(ring + RECORDER_CPUS_MAX)->tid = next->pid; /* the life ring's */
	if (only_targets && !is_target(prev->tgid) && !is_target(next->tgid))
		return 0;
	if (preempt || !state) {
		RECORD(ring, RECORDER_SWITCH, recorder_switch, {
			r->prev_tid = prev->pid;
			r->next_tid = next->pid;
			r->prev_state = 0;
			r->prev_prio = prev->prio;
			r->next_prio = next->prio;
		});
		return 0;
	}
	__u64 arg;
	__u32 site = site_of(prev, STACK_OF_SLEEPER, ring, &arg);
	RECORD(ring, RECORDER_SWITCH_SLEEP, recorder_switch_sleep, {
		r->prev_tid = prev->pid;
		r->next_tid = next->pid;
		r->prev_state = state;
		r->prev_prio = prev->prio;
		r->next_prio = next->prio;
		r->prev_site = site;
		r->prev_arg = arg;
	});
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *p)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	__u8 context = context_now(ring);
	struct task_struct *waker = bpf_get_current_task_btf();
	if (only_targets && !is_target(p->tgid) && !(!context && is_target(waker->tgid)))
		return 0;
	__u64 arg;
	__u32 site = context ? 0 : site_of(waker, STACK_OF_WAKER, ring, &arg);
	if (!site) {
		RECORD(ring, RECORDER_WAKING, recorder_waking, {
			r->tid = p->pid;
			r->target_cpu = p->thread_info.cpu;
			r->prio = p->prio;
			r->context = context;
		});
		return 0;
	}
	RECORD(ring, RECORDER_WAKING_SITE, recorder_waking_site, {
		r->tid = p->pid;
		r->target_cpu = p->thread_info.cpu;
		r->prio = p->prio;
		r->context = context;
		r->waker_site = site;
	});
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *p)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	if (only_targets && !is_target(p->tgid))
		return 0;
	RECORD(ring, RECORDER_WAKEUP_NEW, recorder_waking, {
		r->tid = p->pid;
		r->target_cpu = p->thread_info.cpu;
		r->prio = p->prio;
		r->context = context_now(ring);
	});
	return 0;
}

SEC("tp_btf/irq_handler_entry")
int BPF_PROG(on_irq_entry, int irq)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	context_enter(&ring->irq_depth);
	RECORD(ring, RECORDER_IRQ_ENTRY, recorder_irq_entry, r->irq = irq);
	return 0;
}

SEC("tp_btf/irq_handler_exit")
int BPF_PROG(on_irq_exit, int irq, void *action, int ret)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	context_leave(&ring->irq_depth);
	RECORD(ring, RECORDER_IRQ_EXIT, recorder_irq_exit, {
		r->irq = irq;
		r->ret = ret;
	});
	return 0;
}

#define SOFTIRQ_PROGRAM(tracepoint, function, id, depth)                                           \
	SEC("tp_btf/" tracepoint)                                                                  \
	int BPF_PROG(function, unsigned int vec)                                                   \
	{                                                                                          \
		struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);                    \
		depth;                                                                             \
		RECORD(ring, id, recorder_softirq, r->vec = vec);                                  \
		return 0;                                                                          \
	}

SOFTIRQ_PROGRAM("softirq_entry", on_softirq_entry, RECORDER_SOFTIRQ_ENTRY,
		context_enter(&ring->softirq_depth))
SOFTIRQ_PROGRAM("softirq_exit", on_softirq_exit, RECORDER_SOFTIRQ_EXIT,
		context_leave(&ring->softirq_depth))
SOFTIRQ_PROGRAM("softirq_raise", on_softirq_raise, RECORDER_SOFTIRQ_RAISE, (void)0)

SEC("tp_btf/hrtimer_expire_entry")
int BPF_PROG(on_hrtimer_entry, struct hrtimer *timer)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	context_enter(&ring->irq_depth);
	RECORD(ring, RECORDER_HRTIMER_ENTRY, recorder_timer_entry, {
		r->timer = (__u64)timer;
		r->function = (__u64)timer->function;
	});
	return 0;
}

SEC("tp_btf/timer_expire_entry")
int BPF_PROG(on_timer_entry, struct timer_list *timer)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	RECORD(ring, RECORDER_TIMER_ENTRY, recorder_timer_entry, {
		r->timer = (__u64)timer;
		r->function = (__u64)timer->function;
	});
	return 0;
}

#define TIMER_EXIT_PROGRAM(tracepoint, function, id, depth)                                        \
	SEC("tp_btf/" tracepoint)                                                                  \
	int BPF_PROG(function, void *timer)                                                        \
	{                                                                                          \
		struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);                    \
		depth;                                                                             \
		RECORD(ring, id, recorder_timer_exit, r->timer = (__u64)timer);                    \
		return 0;                                                                          \
	}

TIMER_EXIT_PROGRAM("hrtimer_expire_exit", on_hrtimer_exit, RECORDER_HRTIMER_EXIT,
		   context_leave(&ring->irq_depth))
TIMER_EXIT_PROGRAM("timer_expire_exit", on_timer_exit, RECORDER_TIMER_EXIT, (void)0)

SEC("tp_btf/workqueue_queue_work")
int BPF_PROG(on_work_queue, int req_cpu, void *pwq, struct work_struct *work)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	RECORD(ring, RECORDER_WORK_QUEUE, recorder_work, {
		r->work = (__u64)work;
		r->function = (__u64)work->func;
	});
	return 0;
}

SEC("tp_btf/workqueue_execute_start")
int BPF_PROG(on_work_start, struct work_struct *work)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	RECORD(ring, RECORDER_WORK_START, recorder_work, {
		r->work = (__u64)work;
		r->function = (__u64)work->func;
	});
	return 0;
}

SEC("tp_btf/workqueue_execute_end")
int BPF_PROG(on_work_end, void *work)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	RECORD(ring, RECORDER_WORK_END, recorder_work_end, r->work = (__u64)work);
	return 0;
}

static __always_inline __u32 request_dev(struct request *rq)
{
	struct gendisk *disk = rq->q->disk;
	return disk ? (__u32)disk->major << 20 | (__u32)disk->first_minor : 0;
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(on_block_issue, struct request *rq)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	RECORD(ring, RECORDER_BLOCK_ISSUE, recorder_block_issue, {
		r->sector = rq->__sector;
		r->dev = request_dev(rq);
		r->nr_sector = rq->__data_len >> 9;
		r->bytes = rq->__data_len;
		r->rwbs = rq->cmd_flags;
		r->tid = (__u32)bpf_get_current_pid_tgid();
	});
	return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(on_block_done, struct request *rq, __u8 status, unsigned int bytes)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	RECORD(ring, RECORDER_BLOCK_DONE, recorder_block_done, {
		r->sector = rq->__sector;
		r->dev = request_dev(rq);
		r->nr_sector = bytes >> 9;
		r->error = status;
		r->rwbs = rq->cmd_flags;
	});
	return 0;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int sig, void *info, struct task_struct *task)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	if (only_targets && !is_target(task->tgid))
		return 0;
	RECORD(ring, RECORDER_SIGNAL, recorder_signal, {
		r->tid = task->pid;
		r->sig = sig;
	});
	return 0;
}

SEC("tp_btf/contention_begin")
int BPF_PROG(on_contention_begin, void *lock, unsigned int flags)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	RECORD(ring, RECORDER_CONTENTION_BEGIN, recorder_contention_begin, {
		r->lock_addr = (__u64)lock;
		r->flags = flags;
	});
	return 0;
}

SEC("tp_btf/contention_end")
int BPF_PROG(on_contention_end, void *lock, int ret)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	RECORD(ring, RECORDER_CONTENTION_END, recorder_contention_end, {
		r->lock_addr = (__u64)lock;
		r->ret = ret;
	});
	return 0;
}

/*
 * The most frequent events. Arguments are loaded where they are used, which saves spilling them;
 * whether only targets count is decided by which of two programs is loaded: looking at a constant
 * costs two instructions, room for the targets' key a third.
 */
static __always_inline int syscall_entry(__u64 *ctx)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	RECORD(ring, RECORDER_SYSCALL_ENTRY, recorder_syscall_entry, {
		r->id = ctx[1];
		r->arg0 = ((struct pt_regs *)ctx[0])->di;
	});
	return 0;
}

static __always_inline int syscall_exit(__u64 *ctx)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	RECORD(ring, RECORDER_SYSCALL_EXIT, recorder_syscall_exit, {
		r->id = ((struct pt_regs *)ctx[0])->orig_ax;
		r->ret = ctx[1];
	});
	return 0;
}

SEC("tp_btf/sys_enter")
int on_sys_enter(__u64 *ctx)
{
	return syscall_entry(ctx);
}

SEC("tp_btf/sys_exit")
int on_sys_exit(__u64 *ctx)
{
	return syscall_exit(ctx);
}

SEC("tp_btf/sys_enter")
int on_target_enter(__u64 *ctx)
{
	return current_is_target() ? syscall_entry(ctx) : 0;
}

SEC("tp_btf/sys_exit")
int on_target_exit(__u64 *ctx)
{
	return current_is_target() ? syscall_exit(ctx) : 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_LIFE);
	__u32 tgid = child->tgid;
	if (is_target(parent->tgid)) {
		__u8 yes = 1;
		bpf_map_update_elem(&targets, &tgid, &yes, BPF_ANY);
	}
	stack_fork(parent->tgid, tgid);
	struct ring_claim claim;
	struct recorder_fork *r = ring_reserve(ring, RECORDER_STREAM_LIFE, RECORDER_FORK,
					       sizeof(*r), sizeof(*r), &claim);
	if (!r)
		return 0;
	r->parent_tid = parent->pid;
	r->parent_pid = parent->tgid;
	r->child_tid = child->pid;
	r->child_pid = child->tgid;
	BPF_CORE_READ_STR_INTO(&r->child_comm, child, comm);
	ring_commit(ring, &claim);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *p, int old_pid, struct linux_binprm *bprm)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_LIFE);
	stack_forget(p->tgid);
	struct ring_claim claim;
	struct recorder_exec *r = ring_reserve(ring, RECORDER_STREAM_LIFE, RECORDER_EXEC,
					       sizeof(*r), sizeof(*r), &claim);
	if (!r)
		return 0;
	r->tid = p->pid;
	r->old_tid = old_pid;
	BPF_CORE_READ_STR_INTO(&r->comm, p, comm);
	if (bpf_probe_read_kernel_str(r->filename, sizeof(r->filename), bprm->filename) < 0)
		r->filename[0] = 0;
	ring_commit(ring, &claim);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *p)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_LIFE);
	__u32 tgid = p->tgid;
	if (p->pid == tgid)
		stack_forget(tgid);
	struct ring_claim claim;
	struct recorder_exit *r = ring_reserve(ring, RECORDER_STREAM_LIFE, RECORDER_EXIT,
					       sizeof(*r), sizeof(*r), &claim);
	if (!r)
		return 0;
	r->tid = p->pid;
	r->pid = tgid;
	r->prio = p->prio;
	BPF_CORE_READ_STR_INTO(&r->comm, p, comm);
	ring_commit(ring, &claim);
	return 0;
}

SEC("tp_btf/task_rename")
int BPF_PROG(on_rename, struct task_struct *p, const char *comm)
{
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_LIFE);
	struct ring_claim claim;
	struct recorder_rename *r = ring_reserve(ring, RECORDER_STREAM_LIFE, RECORDER_RENAME,
						 sizeof(*r), sizeof(*r), &claim);
	if (!r)
		return 0;
	r->tid = p->pid;
	if (bpf_probe_read_kernel_str(r->newcomm, sizeof(r->newcomm), comm) < 0)
		r->newcomm[0] = 0;
	ring_commit(ring, &claim);
	return 0;
}
