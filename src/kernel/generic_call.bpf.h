/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The tracepoints of single system calls, written by two programs at the entry and exit of all.
 *
 * Attaching the kernel's own tracepoint of each would cost 75 ms apiece when they are taken away
 * again; their records are so simple that they are put together here, in the same bytes.
 */
#ifndef CAIRN_KERNEL_GENERIC_CALL_BPF_H
#define CAIRN_KERNEL_GENERIC_CALL_BPF_H

#include "kernel/generic.bpf.h"

#include <bpf/bpf_tracing.h>

enum { THREAD_IS_COMPAT = 2 }; /* TS_COMPAT: a 32-bit system call, whose numbers mean others */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GENERIC_CALLS);
	__type(key, __u32);
	__type(value, struct generic_call);
} generic_calls SEC(".maps");

static __always_inline const struct generic_call *generic_call_find(long nr)
{
	__u32 index = nr;
	struct task_struct *task = bpf_get_current_task_btf();
	if (task->thread_info.status & THREAD_IS_COMPAT || generic_is_left_out())
		return NULL;
	return bpf_map_lookup_elem(&generic_calls, &index);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(generic_call_enter, struct pt_regs *regs, long nr)
{
	const struct generic_call *call = generic_call_find(nr);
	if (!call || !call->enter_id)
		return 0;
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	__u32 args = call->arg_count;
	struct ring_claim claim;
	struct generic_call_enter *r = ring_reserve(ring, RECORDER_STREAM_EVENTS, call->enter_id,
						    call->enter_bytes, sizeof(*r), &claim);
	if (!r)
		return 0;
	r->nr = nr;
	r->spare = 0;
	if (args > 0)
		r->args[0] = regs->di;
	if (args > 1)
		r->args[1] = regs->si;
	if (args > 2)
		r->args[2] = regs->dx;
	if (args > 3)
		r->args[3] = regs->r10;
	if (args > 4)
		r->args[4] = regs->r8;
	if (args > 5)
		r->args[5] = regs->r9;
	ring_commit(ring, &claim);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(generic_call_exit, struct pt_regs *regs, long ret)
{
	long nr = regs->orig_ax;
	const struct generic_call *call = generic_call_find(nr);
	if (!call || !call->exit_id)
		return 0;
	struct recorder_ring *ring = ring_here(RECORDER_STREAM_EVENTS);
	struct ring_claim claim;
	struct generic_call_exit *r = ring_reserve(ring, RECORDER_STREAM_EVENTS, call->exit_id,
						   sizeof(*r), sizeof(*r), &claim);
	if (!r)
		return 0;
	r->nr = nr;
	r->spare = 0;
	r->ret = ret;
	ring_commit(ring, &claim);
	return 0;
}

#endif
