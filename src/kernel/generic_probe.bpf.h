/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Probes that the kernel places, in BPF: such a program gets registers, not the event's raw record.
 * So the record is put together here, in the same bytes, by the event's list of values; then it
 * goes the way of every tracepoint's.
 */
#ifndef CAIRN_KERNEL_GENERIC_PROBE_BPF_H
#define CAIRN_KERNEL_GENERIC_PROBE_BPF_H

#include "kernel/generic.bpf.h"

enum { REGISTER_IP = 16 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set before loading */
	__type(key, __u32);
	__type(value, struct generic_probe);
} generic_probes SEC(".maps");

/* One for probes in the kernel, which come over those in programs and end before they go on. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct generic_scratch);
} generic_scratches SEC(".maps");

/* By the event's index: its condition, which goes on in generic_probe_next. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1); /* set before loading */
	__type(key, __u32);
	__type(value, __u32);
} generic_probe_filters SEC(".maps");

/* Its one entry is generic_probe_write(). */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} generic_probe_next SEC(".maps");

static __always_inline struct generic_scratch *generic_room(const struct generic_probe *probe)
{
	__u32 slot = probe->is_user;
	return bpf_map_lookup_elem(&generic_scratches, &slot);
}

/* The kernel may look at a program's memory, as its functions do; a program's probe only there. */
static __always_inline long generic_read(bool is_user, void *to, __u32 bytes, __u64 from)
{
	if (is_user || (__s64)from >= 0)
		return bpf_probe_read_user(to, bytes, (void *)from);
	return bpf_probe_read_kernel(to, bytes, (void *)from);
}

/* Behind what the record has so far; its word tells where. */
static __always_inline int generic_put_text(struct generic_scratch *s, bool is_user, __u32 at,
					    __u64 from)
{
	__u32 end = s->end;
	BOUND(end, RECORDER_GENERIC_BYTES_MAX);
	char *to = (char *)s->raw + end;
	__s64 bytes =
		is_user || (__s64)from >= 0
			? bpf_probe_read_user_str(to, RECORDER_GENERIC_BYTES_MAX, (void *)from)
			: bpf_probe_read_kernel_str(to, RECORDER_GENERIC_BYTES_MAX, (void *)from);
	if (bytes < 0)
		bytes = 0; /* not even a NUL, as from tracefs */
	__u32 word = (__u32)bytes << 16 | end;
	s->end = end + (__u32)bytes;
	BOUND(at, RECORDER_GENERIC_BYTES_MAX);
	bpf_probe_read_kernel(s->raw + at, sizeof(word), &word); /* at any address */
	return 0;
}

/* A global function, so that the verifier walks it once. */
__noinline int generic_probe_value(__u32 index, __u32 number)
{
	struct generic_probe *probe = bpf_map_lookup_elem(&generic_probes, &index);
	if (!probe || number >= GENERIC_VALUES_MAX)
		return 0;
	struct generic_scratch *s = generic_room(probe);
	const struct generic_value *value = &probe->values[number];
	__u32 base = value->base, at = value->at, bytes = value->bytes, steps = value->step_count;
	bool is_user = probe->is_user;
	if (!s || base >= GENERIC_REGISTERS)
		return 0;
	__u64 v = s->registers[base];
#pragma nounroll
	for (__u32 i = 0; i < GENERIC_STEPS_MAX; i++) {
		if (i >= steps)
			break;
		v += (__s64)value->steps[i];
		if (i + 1 == steps)
			break;
		__u64 from = v;
		v = 0;
		generic_read(is_user, &v, sizeof(v), from);
	}
	if (value->kind == GENERIC_TEXT)
		return generic_put_text(s, is_user, at, v);
	BOUND(at, RECORDER_GENERIC_BYTES_MAX);
	BOUND(bytes, RECORDER_GENERIC_BYTES_MAX / 2);
	__u8 *to = s->raw + at;
	if (value->kind == GENERIC_BYTES) {
		generic_read(is_user, to, bytes, v);
		return 0;
	}
	BOUND(bytes, 8);
	if (steps) {
		__u64 from = v;
		v = 0;
		generic_read(is_user, &v, bytes, from);
	}
	if (value->bits)
		v = v >> (value->shift & 63) & ((1ull << (value->bits & 63)) - 1);
	bpf_probe_read_kernel(to, bytes, &v);
	return 0;
}

/* The common fields that conditions know, and those that every probe's event begins with. */
static __always_inline void generic_begin(void *ctx, const struct generic_probe *probe,
					  struct generic_scratch *s)
{
	__u64 *own = (__u64 *)(s->raw + GENERIC_COMMON_BYTES);
	__u64 ip = s->registers[REGISTER_IP];
	*(__u32 *)(s->raw + 4) = (__u32)bpf_get_current_pid_tgid();
	if (probe->is_return) {
		own[0] = bpf_get_func_ip(ctx);
		own[1] = ip;
	} else {
		/* In the kernel it stands behind the breakpoint, real or imagined. */
		own[0] = probe->is_user ? ip : ip - 1;
	}
	s->end = probe->fixed_bytes;
}

static __always_inline int generic_probe_end(__u32 index, struct generic_scratch *s)
{
	struct generic_event *event = bpf_map_lookup_elem(&generic_events, &index);
	if (event)
		generic_write(event, (const char *)s->raw, ring_here(RECORDER_STREAM_EVENTS));
	s->busy = 0;
	return 0;
}

SEC("kprobe")
int generic_probe(void *ctx)
{
	__u32 index = (__u32)bpf_get_attach_cookie(ctx);
	struct generic_probe *probe = bpf_map_lookup_elem(&generic_probes, &index);
	if (!probe || generic_is_left_out())
		return 0;
	struct generic_scratch *s = generic_room(probe);
	if (!s)
		return 0;
	if (__sync_val_compare_and_swap(&s->busy, 0, 1)) {
		__sync_fetch_and_add(&ring_here(RECORDER_STREAM_EVENTS)->discarded, 1);
		return 0;
	}
	bpf_probe_read_kernel(s->registers, sizeof(s->registers), ctx);
	generic_begin(ctx, probe, s);
#pragma nounroll
	for (__u32 i = 0; i < GENERIC_VALUES_MAX; i++) {
		if (i >= probe->value_count)
			break;
		generic_probe_value(index, i);
	}
	if (!probe->is_filtered)
		return generic_probe_end(index, s);
	bpf_tail_call(ctx, &generic_probe_filters, index);
	s->busy = 0;
	return 0;
}

/* Where a condition that holds goes on. */
SEC("kprobe")
int generic_probe_write(void *ctx)
{
	__u32 index = (__u32)bpf_get_attach_cookie(ctx);
	struct generic_probe *probe = bpf_map_lookup_elem(&generic_probes, &index);
	struct generic_scratch *s = probe ? generic_room(probe) : NULL;
	return s ? generic_probe_end(index, s) : 0;
}

#endif
