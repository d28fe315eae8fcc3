/* SPDX-License-Identifier: MIT */
#include "kernel/bpf_rings.h"

#include "util/now.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct recorder_ring *rings_of(const struct bpf_rings *r, uint32_t stream, uint32_t cpu)
{
	return &r->rings[stream * RECORDER_CPUS_MAX + cpu];
}

static uint8_t *subbuf_at(const struct bpf_rings *r, uint32_t stream, uint32_t cpu, uint64_t number)
{
	uint64_t index = (uint64_t)cpu * r->count[stream] + number % r->count[stream];
	return r->subbufs[stream] + index * RECORDER_SUBBUF_BYTES;
}

/* The number of the sub-buffer a place names; whatever the place, it is only a number. */
static uint64_t number_of(const struct bpf_rings *r, uint32_t stream, uint32_t cpu, uint64_t place)
{
	return RECORDER_HEAD_LAP(place) * r->count[stream] + RECORDER_HEAD_INDEX(place) -
	       (uint64_t)cpu * r->count[stream];
}

static uint64_t load_acquire(const RING_U64 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

int bpf_rings_open(struct bpf_rings *r, struct recorder_ring *rings, const int map_fds[2],
		   const uint32_t count[2], uint32_t cpus, bool overwrite, struct err *e)
{
	*r = (struct bpf_rings){.rings = rings, .cpus = cpus, .overwrite = overwrite};
	r->drained = calloc(2 * (size_t)cpus, sizeof(*r->drained));
	r->told = calloc(cpus, sizeof(*r->told));
	r->copy = malloc(RECORDER_SUBBUF_BYTES);
	if (!r->drained || !r->told || !r->copy) {
		bpf_rings_close(r);
		return err_set(e, ENOMEM, "no memory to read the recorder's rings");
	}
	for (int stream = 0; stream < 2; stream++) {
		r->count[stream] = count[stream];
		size_t bytes = (size_t)cpus * count[stream] * RECORDER_SUBBUF_BYTES;
		void *at =
			mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_fds[stream], 0);
		if (at == MAP_FAILED) {
			int status = err_errno(e, "cannot map a ring of %zu MiB", bytes >> 20);
			bpf_rings_close(r);
			return status;
		}
		r->subbufs[stream] = at;
		r->mapped_bytes[stream] = bytes;
	}
	return 0;
}

void bpf_rings_close(struct bpf_rings *r)
{
	for (int stream = 0; stream < 2; stream++) {
		if (r->subbufs[stream])
			munmap(r->subbufs[stream], r->mapped_bytes[stream]);
	}
	free(r->drained);
	free(r->told);
	free(r->copy);
	*r = (struct bpf_rings){0};
}

void bpf_rings_label(struct bpf_rings *r, const uint8_t uuid[16])
{
	uint64_t begin_ns = now_monotonic_ns();
	for (uint32_t stream = 0; stream < 2; stream++) {
		for (uint32_t cpu = 0; cpu < r->cpus; cpu++) {
			for (uint32_t i = 0; i < r->count[stream]; i++) {
				struct ring_packet *p = (void *)subbuf_at(r, stream, cpu, i);
				p->magic = RING_CTF_MAGIC;
				memcpy(p->uuid, uuid, sizeof(p->uuid));
				p->stream_id = stream;
				p->packet_bits = RECORDER_SUBBUF_BYTES * 8u;
				p->cpu = cpu;
				p->tid = RING_TID_UNKNOWN;
				p->begin_ns = begin_ns;
			}
			struct recorder_ring *ring = rings_of(r, stream, cpu);
			ring->tid = RING_TID_UNKNOWN; /* until the first switch */
			ring->head = ring->commit = RECORDER_HEAD(0, cpu * r->count[stream],
								  sizeof(struct ring_packet));
		}
	}
}

/*
 * Copies sub-buffer `number` up to `end` bytes and hands it on, unless its writer came round
 * meanwhile. The end of the time of an open packet is now.
 */
static int give(struct bpf_rings *r, uint32_t stream, uint32_t cpu, uint64_t number, size_t end,
		bool open, rung_sink sink, void *context, struct err *e)
{
	const struct recorder_ring *ring = rings_of(r, stream, cpu);
	memcpy(r->copy, subbuf_at(r, stream, cpu, number), end);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	uint64_t head = load_acquire(&ring->head);
	if (number_of(r, stream, cpu, head) - number >= r->count[stream])
		return 0;

	struct ring_packet *packet = (struct ring_packet *)r->copy;
	if (open) {
		packet->end_ns = now_monotonic_ns();
		packet->content_bits = end * 8;
		packet->discarded = ring->discarded;
	}
	size_t content = packet->content_bits / 8;
	if (content < sizeof(*packet) || content > end)
		return err_set(e, EBADMSG, "the ring of cpu %u says a packet of %zu bytes", cpu,
			       content);
	if (content == sizeof(*packet))
		return 0;
	return sink(context, packet, r->copy + sizeof(*packet), content - sizeof(*packet), e);
}

static int give_cpu(struct bpf_rings *r, uint32_t stream, uint32_t cpu, bool open_too,
		    uint64_t *next, rung_sink sink, void *context, struct err *e)
{
	const struct recorder_ring *ring = rings_of(r, stream, cpu);
	uint64_t commit = load_acquire(&ring->commit);
	uint64_t open = number_of(r, stream, cpu, commit);
	uint64_t oldest = open >= r->count[stream] ? open - r->count[stream] + 1 : 0;
	if (*next < oldest)
		*next = oldest;
	for (; *next < open; (*next)++) {
		int status =
			give(r, stream, cpu, *next, RECORDER_SUBBUF_BYTES, false, sink, context, e);
		if (status < 0)
			return status;
	}
	size_t end = RECORDER_HEAD_AT(commit);
	if (!open_too || end <= sizeof(struct ring_packet))
		return 0;
	return give(r, stream, cpu, open, end, true, sink, context, e);
}

int bpf_rings_drain(struct bpf_rings *r, enum recorder_stream stream, bool open_too, rung_sink sink,
		    void *context, struct err *e)
{
	for (uint32_t cpu = 0; cpu < r->cpus; cpu++) {
		uint64_t *next = &r->drained[stream * r->cpus + cpu];
		int status = give_cpu(r, stream, cpu, open_too, next, sink, context, e);
		__atomic_store_n(&rings_of(r, stream, cpu)->consumed, *next, __ATOMIC_RELEASE);
		if (status < 0)
			return status;
	}
	return 0;
}

int bpf_rings_copy(struct bpf_rings *r, enum recorder_stream stream, rung_sink sink, void *context,
		   struct err *e)
{
	for (uint32_t cpu = 0; cpu < r->cpus; cpu++) {
		uint64_t next = 0;
		int status = give_cpu(r, stream, cpu, true, &next, sink, context, e);
		if (status < 0)
			return status;
	}
	return 0;
}

struct life_news {
	rung_news news;
	void *context;
	size_t skip; /* bytes of the packet, with its header, that were told before */
};

static size_t life_bytes(uint16_t id)
{
	switch (id) {
	case RECORDER_FORK:
		return sizeof(struct recorder_fork);
	case RECORDER_EXEC:
		return sizeof(struct recorder_exec);
	case RECORDER_EXIT:
		return sizeof(struct recorder_exit);
	case RECORDER_RENAME:
		return sizeof(struct recorder_rename);
	default:
		return 0;
	}
}

static int tell_packet(void *context, const struct ring_packet *header, const void *body,
		       size_t body_bytes, struct err *e)
{
	(void)e;
	struct life_news *n = context;
	uint64_t time_ns = header->begin_ns;
	size_t at = n->skip > sizeof(*header) ? n->skip - sizeof(*header) : 0;
	while (at + 8 <= body_bytes) {
		const uint8_t *record = (const uint8_t *)body + at;
		uint64_t word;
		memcpy(&word, record, sizeof(word));
		size_t bytes = life_bytes((uint16_t)word);
		if (!bytes || bytes > body_bytes - at - 8)
			break;
		time_ns = RING_EVENT_TIME(word, time_ns);
		n->news(n->context, (enum recorder_event)(uint16_t)word, time_ns, record + 8);
		at += 8 + bytes + (-bytes & (RING_EVENT_ALIGN - 1));
	}
	n->skip = 0; /* only the first packet was told in part */
	return 0;
}

int bpf_rings_news(struct bpf_rings *r, rung_news news, void *context, struct err *e)
{
	for (uint32_t cpu = 0; cpu < r->cpus; cpu++) {
		const struct recorder_ring *ring = rings_of(r, RECORDER_STREAM_LIFE, cpu);
		uint64_t commit = load_acquire(&ring->commit);
		uint64_t told = r->told[cpu];
		if (commit == told)
			continue;
		struct life_news n = {news, context, RECORDER_HEAD_AT(told)};
		uint64_t next = told ? number_of(r, RECORDER_STREAM_LIFE, cpu, told) : 0;
		/* give_cpu() skips what was overwritten; then nothing of the packet was told. */
		if (number_of(r, RECORDER_STREAM_LIFE, cpu, commit) >=
		    next + r->count[RECORDER_STREAM_LIFE])
			n.skip = 0;
		int status =
			give_cpu(r, RECORDER_STREAM_LIFE, cpu, true, &next, tell_packet, &n, e);
		if (status < 0)
			return status;
		r->told[cpu] = commit;
	}
	return 0;
}

uint64_t bpf_rings_discarded(const struct bpf_rings *r)
{
	uint64_t sum = 0;
	for (uint32_t stream = 0; stream < 2; stream++) {
		for (uint32_t cpu = 0; cpu < r->cpus; cpu++)
			sum += rings_of(r, stream, cpu)->discarded;
	}
	return sum;
}
