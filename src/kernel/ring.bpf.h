/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The ring's writer in BPF: reserve a place, fill it, commit.
 *
 * A cpu's rings are written by that cpu alone, with preemption off; what can come between two
 * steps is an interrupt whose own events nest completely inside. So:
 *   R1  reserve takes the time between reading `head` and moving it by one compare-and-swap: a
 *       nested event makes the swap fail, hence times never go back in a ring;
 *   R2  only the outermost writer publishes: the one that began where `commit` stands. All below
 *       `head` is written when it is done, and `commit` takes its value (again, if an interrupt
 *       moved it meanwhile);
 *   R3  the writer whose event does not fit seals the sub-buffer and opens the next: it owns both
 *       headers because its swap won.
 *
 * Instructions count here: this is what every event on the machine pays.
 */
#ifndef CAIRN_KERNEL_RING_BPF_H
#define CAIRN_KERNEL_RING_BPF_H

#include "kernel/recorder_abi.h"
#include "kernel/vmlinux_min.h"

#include <bpf/bpf_helpers.h>

enum { RING_ATTEMPTS = 8 };

#define RING_LIKELY(condition) __builtin_expect(!!(condition), 1)

/* An event's bytes in the ring: where `head` stood, and where it stands behind them. */
struct ring_claim {
	__u64 head;
	__u64 next;
};

struct subbuf {
	union {
		struct ring_packet packet;
		__u8 bytes[RECORDER_SUBBUF_BYTES];
	};
};

struct ring_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* cpus × sub-buffers, set before loading */
	__type(key, __u32);
	__type(value, struct subbuf);
};

struct ring_map ring_events SEC(".maps");
struct ring_map ring_life SEC(".maps");

/* Set before loading. */
const volatile __u32 subbufs[2] = {1, 1}; /* of one cpu's ring */
const volatile bool overwrite = true;

/* Shared with the tool. */
struct recorder_ring rings[2][RECORDER_CPUS_MAX];

/*
 * This cpu's ring. The tool refuses machines with more cpus than the mask lets through; the
 * verifier of 6.1 wants to see it where the register is used.
 */
static __always_inline struct recorder_ring *ring_here(__u32 stream)
{
	/* The helper's whole register, else the compiler first clears its upper half. */
	__u64 cpu = ((__u64(*)(void))BPF_FUNC_get_smp_processor_id)();
	barrier_var(cpu);
	cpu &= RECORDER_CPUS_MAX - 1;
	struct recorder_ring *ring = &rings[stream][cpu];
	barrier_var(ring); /* computed once */
	return ring;
}

static __always_inline struct subbuf *ring_subbuf(__u32 stream, __u32 index)
{
	return stream == RECORDER_STREAM_LIFE ? bpf_map_lookup_elem(&ring_life, &index)
					      : bpf_map_lookup_elem(&ring_events, &index);
}

/* The one `head` is in; the key is not copied, it stands in memory. */
static __always_inline struct subbuf *ring_subbuf_here(struct recorder_ring *ring, __u32 stream)
{
	const void *key = ring->head_index;
	return stream == RECORDER_STREAM_LIFE ? bpf_map_lookup_elem(&ring_life, key)
					      : bpf_map_lookup_elem(&ring_events, key);
}

/* R2, for the outermost writer: its event ends at `next`. */
static __always_inline void ring_publish(struct recorder_ring *ring, __u64 next)
{
	*(volatile __u64 *)&ring->commit = next;
	if (RING_LIKELY(*(volatile __u64 *)&ring->head == next))
		return;
#pragma nounroll
	for (int attempt = 0; attempt < RING_ATTEMPTS; attempt++) {
		__u64 head = *(volatile __u64 *)&ring->head;
		*(volatile __u64 *)&ring->commit = head;
		if (*(volatile __u64 *)&ring->head == head)
			break;
	}
}

/*
 * R3: the sub-buffer that ends at `head` is full; opens the next one. A global function,
 * so that the verifier walks it once and not for every program. 0, or -1 without room.
 */
__noinline int ring_switch(__u32 stream, __u64 head)
{
	stream &= 1;
	struct recorder_ring *ring = ring_here(stream);
	__u32 count = subbufs[stream], first = bpf_get_smp_processor_id() * count;
	__u32 index = RECORDER_HEAD_INDEX(head) + 1;
	__u64 lap = RECORDER_HEAD_LAP(head);
	if (index >= first + count) {
		index = first;
		lap++;
	}
	__u64 number = lap * count + index - first;
	if (!overwrite && number >= ring->consumed + count) {
		__sync_fetch_and_add(&ring->discarded, 1);
		return -1;
	}
	__u64 now = bpf_ktime_get_ns();
	__u64 begin = RECORDER_HEAD(lap, index, sizeof(struct ring_packet));
	if (__sync_val_compare_and_swap(&ring->head, head, begin) != head)
		return 0;
	struct subbuf *full = ring_subbuf(stream, RECORDER_HEAD_INDEX(head));
	struct subbuf *next = ring_subbuf(stream, index);
	if (!full || !next)
		return -1;
	full->packet.content_bits = RECORDER_HEAD_AT(head) * 8;
	full->packet.end_ns = now;
	full->packet.discarded = ring->discarded;
	next->packet.sequence = number;
	next->packet.begin_ns = now;
	next->packet.tid = ring->tid;
	if (ring->commit == head)
		ring_publish(ring, begin);
	return 0;
}

/*
 * The event that begins at `head`, not behind `at_max`; NULL without one. Apart, because all that
 * it needs is then out of the hot path's way, and because what is kept here is what was checked.
 */
static __noinline __u64 *ring_word(__u32 stream, __u64 head, __u32 at_max)
{
	__u64 at = RECORDER_HEAD_AT(head);
	if (!head || at > at_max)
		return NULL;
	struct subbuf *subbuf = ring_subbuf(stream, RECORDER_HEAD_INDEX(head));
	return subbuf ? (__u64 *)(subbuf->bytes + at) : NULL;
}

/*
 * The rare ways to a place: the sub-buffer is full, or an interrupt came between. Writes the
 * event's first word; gives its place, or 0 when there is none, which is then counted.
 */
__noinline __u64 ring_reserve_slowly(__u32 stream, __u32 id, __u32 size, __u32 size_max)
{
	stream &= 1;
	struct recorder_ring *ring = ring_here(stream);
	for (int attempt = 0; attempt < RING_ATTEMPTS; attempt++) {
		__u64 head = *(volatile __u64 *)&ring->head;
		__u64 at = RECORDER_HEAD_AT(head);
		if (at + size_max >= RECORDER_SUBBUF_BYTES) {
			if (ring_switch(stream, head))
				return 0;
			continue;
		}
		__u64 now = bpf_ktime_get_ns();
		if (__sync_val_compare_and_swap(&ring->head, head, head + size) != head)
			continue;
		__u64 *word = ring_word(stream, head, RECORDER_SUBBUF_BYTES - sizeof(*word));
		if (!word)
			return 0;
		*word = RING_EVENT_WORD(id & 0xffff, now);
		return head;
	}
	__sync_fetch_and_add(&ring->discarded, 1);
	return 0;
}

/*
 * Room for an event with `bytes` of payload, of at most `bytes_max` (a constant; the verifier
 * wants it); NULL when there is none: then nothing needs to be committed. The event's first word
 * is written. `*claim_ret` is for ring_commit().
 *
 * `head` is loaded before its parts: they are of the same moment when the swap succeeds. All that
 * can be is done before the time is taken, so that little has to be kept across that call.
 */
static __always_inline void *ring_reserve(struct recorder_ring *ring, __u32 stream, __u16 id,
					  __u32 bytes, __u32 bytes_max,
					  struct ring_claim *claim_ret)
{
	__u32 size = (bytes + 8 + RING_EVENT_ALIGN - 1) & ~(RING_EVENT_ALIGN - 1);
	__u32 size_max = (bytes_max + 8 + RING_EVENT_ALIGN - 1) & ~(RING_EVENT_ALIGN - 1);
	__u32 at_max = RECORDER_SUBBUF_BYTES - size_max - 1;
	__u64 head = *(volatile __u64 *)&ring->head;
	__u64 at = *(volatile __u16 *)&ring->head_at;
	struct subbuf *subbuf;
	__u64 *word;

	if (RING_LIKELY(at <= at_max)) {
		subbuf = ring_subbuf_here(ring, stream);
		if (!subbuf)
			return NULL;
		/* word = subbuf + at, in the register of `at`, which is wanted no more. */
		asm volatile("%0 += %1" : "=r"(word) : "r"(subbuf), "0"(at));
		__u64 now = bpf_ktime_get_ns();
		__u64 next = head;
		barrier_var(next); /* not added up before the call … */
		next += size;
		barrier_var(next); /* … nor a second time for the commit */
		__u64 seen = __sync_val_compare_and_swap(&ring->head, head, next);
		barrier_var(seen); /* else the compiler makes a flag of the comparison first */
		if (RING_LIKELY(seen == head)) {
			*word = RING_EVENT_WORD(id, now);
			*claim_ret = (struct ring_claim){head, next};
			goto out;
		}
	}
	head = ring_reserve_slowly(stream, id, size, size_max);
	word = ring_word(stream, head, at_max);
	if (!word)
		return NULL;
	*claim_ret = (struct ring_claim){head, head + size};
out:
	barrier_var(word); /* one register for both ways, the 8 stays in the members' offsets */
	return word + 1;
}

/* R2: the event of this claim is written. */
static __always_inline void ring_commit(struct recorder_ring *ring, const struct ring_claim *claim)
{
	barrier();
	if (RING_LIKELY(*(volatile __u64 *)&ring->commit == claim->head))
		ring_publish(ring, claim->next);
}

#endif
