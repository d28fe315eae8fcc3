/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Sites: where in its program a thread sleeps or wakes another.
 *
 * A site is a system call with the user addresses below it, known by a hash. The addresses are
 * recorded once a sub-buffer and cpu (every packet can be read alone); sleeps and wake-ups carry
 * the hash.
 */
#ifndef CAIRN_KERNEL_SITE_BPF_H
#define CAIRN_KERNEL_SITE_BPF_H

#include "kernel/ring.bpf.h"
#include "kernel/stack.bpf.h"

enum { SITE_SEEN = 1024 };

struct site_seen {
	__u64 entries[SITE_SEEN]; /* site << 32 | low bits of the sub-buffer's number */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct site_seen);
} site_seen SEC(".maps");

/* True the first time a site is met in the current sub-buffer. */
static __always_inline bool site_is_new(const struct recorder_ring *ring, __u32 site)
{
	__u32 zero = 0;
	struct site_seen *seen = bpf_map_lookup_elem(&site_seen, &zero);
	if (!seen)
		return false;
	__u64 head = ring->head;
	__u32 place = RECORDER_HEAD_INDEX(head) << 12 | (RECORDER_HEAD_LAP(head) & 0xfff);
	__u64 entry = (__u64)site << 32 | (place + 1);
	__u64 *slot = &seen->entries[site & (SITE_SEEN - 1)];
	if (*slot == entry)
		return false;
	*slot = entry;
	return true;
}

/* The addresses of a site met for the first time. */
static __always_inline void site_record(struct recorder_ring *ring, struct recorder_site *site)
{
	__u32 bytes = __builtin_offsetof(struct recorder_site, ips) + site->count * sizeof(__u64);
	struct ring_claim claim;
	if (bytes > sizeof(*site))
		return;
	struct recorder_site *record = ring_reserve(ring, RECORDER_STREAM_EVENTS, RECORDER_SITE,
						    bytes, sizeof(*site), &claim);
	if (!record)
		return;
	bpf_probe_read_kernel(record, bytes, site);
	ring_commit(ring, &claim);
}

/*
 * The site of a thread whose user memory is loaded (current, or prev at sched_switch), recorded
 * if it is new; 0 for kernel threads. `*arg_ret` is the system call's first argument.
 */
static __always_inline __u32 site_of(struct task_struct *task, enum stack_level level,
				     struct recorder_ring *ring, __u64 *arg_ret)
{
	*arg_ret = 0;
	__u32 number;
	struct unwind_walk *walk = stack_of(task, level, &number, arg_ret);
	if (!walk)
		return 0;
	if (site_is_new(ring, number))
		site_record(ring, stack_site(walk));
	stack_done(walk);
	return number;
}

#endif
