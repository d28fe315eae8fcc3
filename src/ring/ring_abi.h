/* SPDX-License-Identifier: MIT */
/*
 * The frozen layout of a sub-buffer: a CTF 1.8 packet, the same in memory and on disk.
 *
 * Whoever makes a ring fills the constant members of every sub-buffer once; the writer fills the
 * others when it enters and leaves one. Events begin after the header, at multiples of
 * RING_EVENT_ALIGN; `content_bits` ends with the last event's last byte, so that no reader takes
 * padding for an event. Included by the tool, by applications and by the BPF recorder: fixed-width
 * types and nothing else.
 */
#ifndef CAIRN_RING_RING_ABI_H
#define CAIRN_RING_RING_ABI_H

#ifndef __bpf__
#include <stdint.h>
#define RING_U16 uint16_t
#define RING_U32 uint32_t
#define RING_U64 uint64_t
#define RING_U8  uint8_t
#else
#include <linux/types.h>
#define RING_U16 __u16
#define RING_U32 __u32
#define RING_U64 __u64
#define RING_U8  __u8
#endif

#define RING_TID_UNKNOWN ((RING_U32)-1)

enum {
	RING_CTF_MAGIC = 0xC1FC1FC1,
	RING_EVENT_ALIGN = 8,
};

struct ring_packet {
	RING_U32 magic;
	RING_U8 uuid[16];
	RING_U32 stream_id;
	RING_U64 begin_ns; /* not after the first event */
	RING_U64 end_ns;   /* not before the last; not before begin_ns */
	RING_U64 content_bits;
	RING_U64 packet_bits;
	RING_U64 sequence;  /* of the packet in its stream */
	RING_U64 discarded; /* events of the stream lost up to the end of this packet, in all */
	RING_U32 cpu;
	RING_U32 tid; /* the thread that ran when the packet began, or RING_TID_UNKNOWN */
} __attribute__((packed, aligned(8)));

_Static_assert(sizeof(struct ring_packet) == 80, "the packet header is an ABI");

/* An event's first word: the id in the low 16 bits, 48 bits of time above. */
#define RING_EVENT_WORD(id, time_ns) ((RING_U64)(time_ns) << 16 | (id))

/* The whole time of a word, which lost its upper 16 bits: the first not before `after_ns`. */
#define RING_EVENT_TIME(word, after_ns)                                                            \
	((after_ns) + ((((RING_U64)(word) >> 16) - (after_ns)) & (((RING_U64)1 << 48) - 1)))

#endif
