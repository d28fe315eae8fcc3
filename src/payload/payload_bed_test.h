/* SPDX-License-Identifier: MIT */
/* This process as a target: payload, context, rings and cells mapped into it, for tests. */
#ifndef CAIRN_PAYLOAD_PAYLOAD_BED_TEST_H
#define CAIRN_PAYLOAD_PAYLOAD_BED_TEST_H

#include "cell/cell_read.h"
#include "payload/payload_blob.h"
#include "ring/ring_read.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	BED_CPUS = 64,
	BED_LANES = 2,
	BED_SUBBUF_BYTES = 1 << 16,
	BED_THREAD_BYTES = 4096,
	BED_CELL_LINES = 4
};

struct payload_bed {
	uint8_t *code;
	struct payload_context *context;
	struct payload_process *process;
	struct ring_share *rings;
	struct ring_view view;
	struct cell_share *cells;
	struct prog_native_cell native_cells[CELL_MAX];
	uint64_t cells_bytes;
	uint64_t ring_bytes;
};

static inline void *bed_map(size_t bytes, int flags)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_NORESERVE,
			-1, 0);
	return at == MAP_FAILED ? NULL : at;
}

/* Where the C library keeps a thread's tid; 0 when it is not found. */
static inline int32_t bed_tid_at(void)
{
	uint32_t tid = (uint32_t)syscall(SYS_gettid);
	uint8_t *thread;
	__asm__("movq %%fs:0, %0" : "=r"(thread));
	for (int32_t at = 8; at < BED_THREAD_BYTES; at += 4) {
		if (*(uint32_t *)(void *)(thread + at) == tid)
			return at;
	}
	return 0;
}

/* Places of what a trampoline needs, for prog_native. */
static inline struct prog_native_target bed_target(const struct payload_bed *b)
{
	struct prog_native_target t = {.context = (uint64_t)b->context,
				       .tid_at = b->context->tid_at,
				       .rseq_at = b->context->rseq_at,
				       .cells = b->native_cells,
				       .cell_count = b->cells->count};
	for (unsigned i = 0; i < PROG_HELPERS; i++)
		t.helpers[i] = payload_blob_entry(i, (uint64_t)b->code);
	return t;
}

static inline void bed_cells_start(struct payload_bed *b, const struct cell_plan *plans,
				   uint32_t count)
{
	static const uint8_t ops[] = {
		[CELL_COUNT] = PROG_COUNT, [CELL_HIST] = PROG_HIST, [CELL_TIME] = PROG_ENTER};
	cell_share_start(b->cells, plans, count, BED_CELL_LINES);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t cell = (uint64_t)&b->cells->cells[i];
		b->native_cells[i] =
			(struct prog_native_cell){.op = ops[plans[i].kind],
						  .address = cell,
						  .counters = cell + b->cells->cells[i].lines_at,
						  .cpu_count = b->cells->cells[i].line_mask + 1,
						  .counter_shift = CELL_LINE_SHIFT};
	}
}

static inline bool bed_rings_start(struct payload_bed *b, uint64_t ring_bytes)
{
	uint64_t bytes = ring_share_bytes(BED_CPUS + BED_LANES, ring_bytes);
	b->ring_bytes = ring_bytes;
	b->rings = bed_map(bytes, MAP_SHARED);
	if (!b->rings)
		return false;
	*b->rings = (struct ring_share){.magic = RING_SHARE_MAGIC,
					.version = RING_SHARE_VERSION,
					.flags = RING_TICKS | RING_OVERWRITE,
					.cpus = BED_CPUS,
					.lanes = BED_LANES,
					.ring_bytes = ring_bytes,
					.subbuf_bytes = BED_SUBBUF_BYTES};
	ring_share_start(b->rings);
	return ring_view_init(&b->view, b->rings, bytes);
}

static inline bool bed_start(struct payload_bed *b, uint64_t ring_bytes,
			     const struct cell_plan *plans, uint32_t cells)
{
	b->code = bed_map(payload_blob_bytes(), MAP_PRIVATE);
	b->context = bed_map(sizeof(*b->context), MAP_PRIVATE);
	b->process = bed_map(4096, MAP_PRIVATE);
	b->cells_bytes = cell_share_bytes(plans, cells, BED_CELL_LINES);
	b->cells = bed_map(b->cells_bytes, MAP_SHARED);
	if (!b->code || !b->context || !b->process || !b->cells || !bed_rings_start(b, ring_bytes))
		return false;
	madvise(b->process, 4096, MADV_WIPEONFORK);
	payload_blob_place(b->code, (uint64_t)b->code);
	mprotect(b->code, payload_blob_bytes(), PROT_READ | PROT_EXEC);
	bed_cells_start(b, plans, cells);
	if (!payload_context_init(b->context, (uint64_t)b->rings, b->rings, (uint64_t)b->process))
		return false;
	b->context->tid_at = bed_tid_at();
	b->context->rseq_at = __rseq_size ? (int32_t)__rseq_offset : 0;
	return b->context->tid_at != 0;
}

static inline void bed_end(struct payload_bed *b)
{
	munmap(b->code, payload_blob_bytes());
	munmap(b->context, sizeof(*b->context));
	munmap(b->process, 4096);
	munmap(b->cells, b->cells_bytes);
	munmap(b->rings, ring_share_bytes(BED_CPUS + BED_LANES, b->ring_bytes));
}

/* One event: its word, its payload's start, and who wrote it. */
typedef void (*bed_each)(void *argument, uint16_t id, const uint64_t *payload, uint64_t owner);

/* Events of one copied packet; all have payloads of `bytes` but those that say who writes. */
static inline void bed_read_packet(const uint64_t *packet, uint64_t content, uint64_t bytes,
				   uint64_t *owner, bed_each each, void *argument)
{
	uint64_t at = sizeof(struct ring_packet);
	while (at + 8 <= content) {
		const uint64_t *event = packet + at / 8;
		uint16_t id = (uint16_t)event[0];
		if (id == RING_ID_THREAD)
			*owner = event[1] << 32 | event[1] >> 32;
		else
			each(argument, id, event + 1, *owner);
		at = (at + 8 + (id == RING_ID_THREAD ? 8 : bytes) + 7) & ~7ull;
	}
}

/* All events of the rings; false when a packet says nonsense. */
static inline bool bed_read(const struct payload_bed *b, uint64_t bytes, bed_each each,
			    void *argument)
{
	static uint64_t packet[BED_SUBBUF_BYTES / 8];
	for (uint32_t line = 0; line < b->view.line_count; line++) {
		uint64_t first, open, open_bytes, owner = 0;
		ring_view_span(&b->view, line, &first, &open, &open_bytes);
		for (uint64_t n = first; n <= open; n++) {
			uint64_t most = n == open ? open_bytes : 0;
			if (n == open && !open_bytes)
				break;
			uint64_t content = ring_view_copy(&b->view, line, n, most, packet);
			if (!content)
				return false;
			bed_read_packet(packet, content, bytes, &owner, each, argument);
		}
	}
	return true;
}

#endif
