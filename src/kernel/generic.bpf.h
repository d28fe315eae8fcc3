/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Any tracepoint by name: one program for all of them, told by its cookie which one it is.
 *
 * The kernel puts the raw record together, this copies it into the ring in the layout of
 * kernel/format.h. A filter, where there is one, is a program of its own that ends in this one.
 */
#ifndef CAIRN_KERNEL_GENERIC_BPF_H
#define CAIRN_KERNEL_GENERIC_BPF_H

#include "kernel/generic_abi.h"
#include "kernel/ring.bpf.h"
#include "kernel/target.bpf.h"

enum { GENERIC_COMMON_BYTES = 8 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set before loading */
	__type(key, __u32);
	__type(value, struct generic_event);
} generic_events SEC(".maps");

/* Its one entry is generic_record(): where filters go on. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} generic_next SEC(".maps");

/* Set before loading: whose events are never recorded. */
const volatile __u32 own_pid = 0;

/* Keeps the compiler from forgetting that a bound was tested. */
#define BOUND(value, max)                                                                          \
	do {                                                                                       \
		asm volatile("" : "+r"(value));                                                    \
		if ((value) > (max))                                                               \
			return 0;                                                                  \
	} while (0)

/* Where the words' data lies, and how many bytes of it are kept. */
struct generic_data {
	__u32 offsets[GENERIC_DYNAMIC_MAX];
	__u32 bytes[GENERIC_DYNAMIC_MAX];
};

/* Reads the words; returns the bytes of data kept in all. */
static __always_inline __u32 generic_measure(const struct generic_event *event, const char *raw,
					     struct generic_data *data)
{
	__u32 room = RECORDER_GENERIC_BYTES_MAX - event->fixed_bytes, sum = 0;
#pragma nounroll
	for (__u32 i = 0; i < GENERIC_DYNAMIC_MAX; i++) {
		if (i >= event->dynamic_count)
			break;
		const struct generic_dynamic *dynamic = &event->dynamic[i];
		__u32 word = 0, shift = dynamic->element_shift & 3;
		bpf_probe_read_kernel(&word, sizeof(word), raw + dynamic->at);
		__u32 bytes = word >> 16;
		if (bytes > room - sum)
			bytes = room - sum;
		bytes = bytes >> shift << shift;
		sum += bytes;
		data->bytes[i] = bytes;
		data->offsets[i] = (word & 0xffff) + (dynamic->is_relative ? dynamic->at + 4 : 0);
	}
	return sum;
}

/* The fixed part, the words in it, the data behind it. */
static __always_inline int generic_copy(const struct generic_event *event, const char *raw,
					const struct generic_data *data, char *payload)
{
	__u32 at = event->fixed_bytes;
	BOUND(at, RECORDER_GENERIC_BYTES_MAX);
	bpf_probe_read_kernel(payload, at, raw + GENERIC_COMMON_BYTES);
#pragma nounroll
	for (__u32 i = 0; i < GENERIC_DYNAMIC_MAX; i++) {
		if (i >= event->dynamic_count)
			break;
		const struct generic_dynamic *dynamic = &event->dynamic[i];
		__u32 bytes = data->bytes[i], word_at = dynamic->at - GENERIC_COMMON_BYTES;
		BOUND(bytes, RECORDER_GENERIC_BYTES_MAX);
		BOUND(at, RECORDER_GENERIC_BYTES_MAX);
		BOUND(word_at, RECORDER_GENERIC_BYTES_MAX);
		bpf_probe_read_kernel(payload + at, bytes, raw + data->offsets[i]);
		/* The word may stand at any address: byte by byte costs nothing here. */
		__u16 elements = bytes >> (dynamic->element_shift & 3);
		payload[word_at + 2] = (char)elements;
		payload[word_at + 3] = (char)(elements >> 8);
		at += bytes;
	}
	return 0;
}

static __always_inline int generic_write(const struct generic_event *event, const char *raw,
					 struct recorder_ring *ring)
{
	__u32 fixed = event->fixed_bytes, more = 0;
	struct generic_data data;
	BOUND(fixed, RECORDER_GENERIC_BYTES_MAX);
	if (event->dynamic_count)
		more = generic_measure(event, raw, &data);
	BOUND(more, RECORDER_GENERIC_BYTES_MAX);
	struct ring_claim claim;
	/* The verifier adds both bounds up, though together they stay below one of them. */
	char *payload = ring_reserve(ring, RECORDER_STREAM_EVENTS, event->id, fixed + more,
				     2 * RECORDER_GENERIC_BYTES_MAX, &claim);
	if (!payload)
		return 0;
	generic_copy(event, raw, &data, payload);
	ring_commit(ring, &claim);
	return 0;
}

static __always_inline bool generic_is_left_out(void)
{
	return (__u32)(bpf_get_current_pid_tgid() >> 32) == own_pid || current_is_left_out();
}

SEC("tp")
int generic_record(void *ctx)
{
	__u32 index = (__u32)bpf_get_attach_cookie(ctx);
	struct generic_event *event = bpf_map_lookup_elem(&generic_events, &index);
	if (!event || generic_is_left_out())
		return 0;
	return generic_write(event, ctx, ring_here(RECORDER_STREAM_EVENTS));
}

#endif
