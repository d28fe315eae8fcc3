/* SPDX-License-Identifier: MIT */
/*
 * The tool's side of the BPF rings: sub-buffers mapped into this process, read while cpus write.
 *
 * Nothing here trusts a number from the shared memory further than the mapping's own size.
 * Reading never stops a writer; what a writer overtakes during the copy is left out.
 */
#ifndef CAIRN_KERNEL_BPF_RINGS_H
#define CAIRN_KERNEL_BPF_RINGS_H

#include "kernel/rung.h"

struct bpf_rings {
	struct recorder_ring *rings; /* [2][RECORDER_CPUS_MAX], the recorder's own */
	uint8_t *subbufs[2];         /* events, life */
	uint32_t count[2];           /* sub-buffers of one cpu */
	size_t mapped_bytes[2];
	uint32_t cpus;
	bool overwrite;
	uint64_t *drained; /* [2 × cpus]: the next sub-buffer to give, by number */
	uint64_t *told;    /* [cpus]: how far the life ring was told as news, in bytes */
	uint8_t *copy;     /* one sub-buffer */
};

/* Maps both rings by their maps' descriptors. `rings` is borrowed. */
int bpf_rings_open(struct bpf_rings *r, struct recorder_ring *rings, const int map_fds[2],
		   const uint32_t count[2], uint32_t cpus, bool overwrite, struct err *e);
void bpf_rings_close(struct bpf_rings *r);

/* Writes the constant members of every packet header, before recording. */
void bpf_rings_label(struct bpf_rings *r, const uint8_t uuid[16]);

/*
 * Sealed sub-buffers not given yet, oldest first; with `open_too` also what the open ones hold
 * (and those count as given only up to the last sealed one).
 */
int bpf_rings_drain(struct bpf_rings *r, enum recorder_stream stream, bool open_too, rung_sink sink,
		    void *context, struct err *e);

/* The life ring's records since the last call, each cpu's in order. */
int bpf_rings_news(struct bpf_rings *r, rung_news news, void *context, struct err *e);

/* All that one stream's rings hold, without taking it away. */
int bpf_rings_copy(struct bpf_rings *r, enum recorder_stream stream, rung_sink sink, void *context,
		   struct err *e);

/* Events known to be lost, over all cpus. */
uint64_t bpf_rings_discarded(const struct bpf_rings *r);

#endif
