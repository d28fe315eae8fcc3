/* SPDX-License-Identifier: MIT */
#include "payload/payload_blob.h"

__asm__(".section .rodata\n"
	".balign 32\n"
	"payload_bytes_start:\n"
	".incbin \"payload.bin\"\n"
	"payload_bytes_end:\n"
	".byte 0\n"
	".previous\n");

extern const uint8_t payload_bytes_start[], payload_bytes_end[];

/* struct rseq_cs of the kernel. */
struct sequence {
	uint32_t version, flags;
	uint64_t start, bytes, restart;
};

static const struct payload_head *head(void)
{
	return (const struct payload_head *)(const void *)payload_bytes_start;
}

size_t payload_blob_bytes(void)
{
	return (size_t)(payload_bytes_end - payload_bytes_start);
}

void payload_blob_place(void *copy, uint64_t address)
{
	__builtin_memcpy(copy, payload_bytes_start, payload_blob_bytes());
	struct sequence s;
	for (uint32_t at = head()->sequences_at; at < head()->sequences_end_at; at += sizeof(s)) {
		uint8_t *place = (uint8_t *)copy + at;
		__builtin_memcpy(&s, place, sizeof(s));
		s.start += address;
		s.restart += address;
		__builtin_memcpy(place, &s, sizeof(s));
	}
}

uint64_t payload_blob_entry(unsigned entry, uint64_t address)
{
	return address + head()->entries_at[entry];
}

bool payload_context_init(struct payload_context *c, uint64_t rings,
			  const struct ring_share *checked, uint64_t process)
{
	*c = (struct payload_context){.generation = 1,
				      .process = (struct payload_process *)process};
	ring_writer_init(&c->writer, (struct ring_share *)rings, checked, NULL);
	return checked->flags & RING_TICKS;
}
