/* SPDX-License-Identifier: MIT */
#include "ring/ring_read.h"

static void copy(void *to, const void *from, uint64_t bytes)
{
	__builtin_memcpy(to, from, bytes);
}

bool ring_view_init(struct ring_view *v, void *memory, uint64_t bytes)
{
	*v = (struct ring_view){.share = memory};
	if (bytes < RING_DATA_AT)
		return false;
	copy(&v->own, memory, sizeof(v->own));
	if (!ring_share_check(&v->own, bytes))
		return false;
	v->lines = ring_share_lines(v->share);
	v->data = ring_share_data(v->share);
	v->line_count = v->own.cpus + v->own.lanes;
	v->subbuf_shift = (uint32_t)__builtin_ctzll(v->own.subbuf_bytes);
	v->subbufs = (uint32_t)(v->own.ring_bytes >> v->subbuf_shift);
	return true;
}

static uint64_t head_of(const struct ring_view *v, uint32_t line)
{
	return __atomic_load_n(&v->lines[line].head, __ATOMIC_ACQUIRE); /* pairs with the commit */
}

void ring_view_span(const struct ring_view *v, uint32_t line, uint64_t *first_ret,
		    uint64_t *open_ret, uint64_t *open_bytes_ret)
{
	uint64_t head = head_of(v, line), open = head >> v->subbuf_shift, first = v->subbufs;
	uint64_t bytes = head & (v->own.subbuf_bytes - 1);
	if (open < first) { /* nothing was written yet */
		open = first;
		bytes = 0;
	}
	/* The oldest one may be half overwritten by the header of the next. */
	if (open - first > v->subbufs - 2)
		first = open - (v->subbufs - 2);
	*first_ret = first;
	*open_ret = open;
	*open_bytes_ret = bytes;
}

static bool is_content(const struct ring_view *v, uint64_t bytes)
{
	return bytes >= sizeof(struct ring_packet) && bytes <= v->own.subbuf_bytes;
}

uint64_t ring_view_copy(const struct ring_view *v, uint32_t line, uint64_t number,
			uint64_t open_bytes, void *to)
{
	uint64_t at = line * v->own.ring_bytes;
	at += (number << v->subbuf_shift) & (v->own.ring_bytes - 1);
	struct ring_packet *header = to;
	copy(header, v->data + at, sizeof(*header));
	uint64_t bytes = open_bytes ? open_bytes : header->content_bits / 8;
	if (!is_content(v, bytes))
		return 0;
	copy(header + 1, v->data + at + sizeof(*header), bytes - sizeof(*header));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if ((head_of(v, line) >> v->subbuf_shift) + 1 - number >= v->subbufs ||
	    header->sequence != number - v->subbufs || header->magic != RING_CTF_MAGIC)
		return 0;
	bool is_cpu = line < v->own.cpus;
	copy(header->uuid, v->own.uuid, sizeof(header->uuid));
	header->stream_id = is_cpu ? v->own.cpu_stream : v->own.lane_stream;
	header->cpu = is_cpu ? line : line - v->own.cpus;
	header->content_bits = 8 * bytes;
	header->packet_bits = 8 * v->own.subbuf_bytes;
	if (open_bytes)
		header->end_ns = UINT64_MAX;
	return header->end_ns < header->begin_ns ? 0 : bytes;
}

void ring_view_drained(const struct ring_view *v, uint32_t line, uint64_t number)
{
	__atomic_store_n(&v->lines[line].drained, number, __ATOMIC_RELEASE);
}

const void *ring_view_kind(const struct ring_view *v, uint32_t id, uint32_t *bytes_ret)
{
	if (id < RING_ID_FIRST || id >= RING_KINDS_MAX)
		return NULL;
	const struct ring_kind *kind = &ring_share_kinds(v->share)[id];
	uint32_t place = __atomic_load_n(&kind->place, __ATOMIC_ACQUIRE);
	uint32_t bytes = __atomic_load_n(&kind->bytes, __ATOMIC_RELAXED);
	if (!place || place - 1 > RING_TEXT_BYTES || bytes > RING_TEXT_BYTES - (place - 1))
		return NULL;
	*bytes_ret = bytes;
	return ring_share_text(v->share) + place - 1;
}

uint64_t ring_view_lost(const struct ring_view *v)
{
	uint64_t lost = 0;
	for (uint32_t line = 0; line < v->line_count; line++)
		lost += __atomic_load_n(&v->lines[line].lost, __ATOMIC_RELAXED);
	return lost;
}
