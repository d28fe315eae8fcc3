/* SPDX-License-Identifier: MIT */
/*
 * Rings of any content: 2 cpus with 2 sub-buffers each, positions and bytes from the input.
 *
 * Input: 4 states (head, commit, consumed, discarded; 32 bytes each), then the bytes of the first
 * sub-buffers' beginnings, spread over all of them.
 */
#include "kernel/bpf_rings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { CPUS = 2, SUBBUFS = 2, STATES = 4, STATE_BYTES = 32 };

static struct recorder_ring rings[2 * RECORDER_CPUS_MAX];
static int fds[2] = {-1, -1};

static int weigh(void *context, const struct ring_packet *header, const void *body,
		 size_t body_bytes, struct err *e)
{
	(void)e;
	uint64_t *sum = context;
	if (sizeof(*header) + body_bytes > RECORDER_SUBBUF_BYTES)
		abort();
	for (size_t i = 0; i < body_bytes; i += 512)
		*sum += ((const uint8_t *)body)[i];
	return 0;
}

static void hear(void *context, enum recorder_event id, uint64_t time_ns, const void *payload)
{
	uint64_t *sum = context;
	*sum += id + time_ns + *(const uint8_t *)payload;
}

static void fill(struct bpf_rings *r, const uint8_t *data, size_t bytes)
{
	for (unsigned i = 0; i < STATES && bytes >= STATE_BYTES; i++) {
		struct recorder_ring *ring = &rings[i / CPUS * RECORDER_CPUS_MAX + i % CPUS];
		uint64_t state[STATE_BYTES / 8];
		memcpy(state, data, STATE_BYTES);
		ring->head = state[0];
		ring->commit = state[1];
		ring->consumed = state[2];
		ring->discarded = state[3];
		data += STATE_BYTES;
		bytes -= STATE_BYTES;
	}
	for (unsigned i = 0; i < 2 * CPUS * SUBBUFS; i++) {
		uint8_t *subbuf = r->subbufs[i / (CPUS * SUBBUFS)] +
				  (size_t)(i % (CPUS * SUBBUFS)) * RECORDER_SUBBUF_BYTES;
		size_t part = bytes < 512 ? bytes : 512;
		memset(subbuf, 0, 512);
		memcpy(subbuf, data, part);
		data += part;
		bytes -= part;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const uint32_t count[2] = {SUBBUFS, SUBBUFS};
	struct bpf_rings r;
	uint64_t sum = 0;
	for (int i = 0; i < 2 && fds[i] < 0; i++) {
		fds[i] = memfd_create("ring", MFD_CLOEXEC);
		if (ftruncate(fds[i], CPUS * SUBBUFS * RECORDER_SUBBUF_BYTES))
			return 0;
	}
	memset(rings, 0, sizeof(rings));
	if (bpf_rings_open(&r, rings, fds, count, CPUS, true, NULL) < 0)
		return 0;
	fill(&r, data, bytes);
	bpf_rings_news(&r, hear, &sum, NULL);
	bpf_rings_drain(&r, RECORDER_STREAM_EVENTS, true, weigh, &sum, NULL);
	bpf_rings_copy(&r, RECORDER_STREAM_LIFE, weigh, &sum, NULL);
	bpf_rings_close(&r);
	return 0;
}
