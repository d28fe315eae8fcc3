/* SPDX-License-Identifier: MIT */
/*
 * A file of rings with any bytes changed: nonsense in it costs its own events and nothing else.
 *
 * The input is pairs of a place and a byte, put over rings that a writer has filled.
 */
#include "ring/ring_read.h"
#include "ring/ring_write.h"
#include "session/user_types.h"
#include "ctf/ctf_layout.h"
#include "event/schema.h"
#include "marker/marker_note.h"

#include <stdlib.h>
#include <string.h>

enum { RING_BYTES = 4096, SUBBUF_BYTES = 512, LANES = 2, STREAM = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t now;

static uint64_t tick(void)
{
	return ++now;
}

/* marker "a:b" with an integer "n" and a text "t" */
static const char description[] = "\1\0\0\2\7\0\0\0\0\0\0\0\0\0\0\0a\0b\0f.c\0\1\xfcn\0\7\1t";

static void fill(struct ring_share *share)
{
	struct ring_writer writer;
	uint32_t generation = 1;
	*share = (struct ring_share){.magic = RING_SHARE_MAGIC,
				     .version = RING_SHARE_VERSION,
				     .cpus = 1,
				     .lanes = LANES,
				     .ring_bytes = RING_BYTES,
				     .subbuf_bytes = SUBBUF_BYTES,
				     .flags = RING_OVERWRITE,
				     .cpu_stream = 3,
				     .lane_stream = STREAM};
	ring_share_start(share);
	ring_writer_init(&writer, share, share, tick);
	struct ring_thread t = {&writer, 7ull << 32 | 8, &ring_no_rseq, generation, 16};
	uint16_t id = (uint16_t)ring_share_id(share, 5, description, sizeof(description));
	for (int i = 0; i < 300; i++)
		ring_write(&t, &generation, &id, "\1\2\3\4text\0......", 9);
}

static void change(uint8_t *memory, size_t bytes, const uint8_t *data, size_t size)
{
	static const size_t areas[] = {0, RING_KINDS_AT, RING_TEXT_AT, RING_LINES_AT, RING_DATA_AT};
	for (; size >= 4; data += 4, size -= 4) {
		size_t at = areas[data[0] % 5] + ((size_t)data[1] << 8 | data[2]);
		if (at < bytes)
			memory[at] = data[3];
	}
}

/* What the session does with it, up to where packets leave for the trace. */
static void read_all(struct ring_view *view)
{
	static uint64_t copy[1 << 16];
	struct schema *schema;
	struct ctf_layout *layout;
	if (view->own.subbuf_bytes > sizeof(copy) || schema_create(&schema, NULL) < 0)
		return;
	for (uint32_t id = 0; id < RING_KINDS_MAX; id++) {
		uint32_t bytes;
		const void *text = ring_view_kind(view, id, &bytes);
		if (text)
			user_type_add(schema, STREAM, id, text, bytes, NULL);
	}
	if (ctf_layout_create(&layout, schema, NULL) == 0) {
		for (uint32_t line = 0; line < view->line_count; line++) {
			uint64_t first, open, open_bytes;
			ring_view_span(view, line, &first, &open, &open_bytes);
			for (uint64_t n = first; n <= open; n++) {
				uint64_t bytes = ring_view_copy(view, line, n,
								n == open ? open_bytes : 0, copy);
				if (bytes)
					ctf_layout_walk(layout, (struct ring_packet *)copy,
							copy + sizeof(struct ring_packet) / 8,
							bytes - sizeof(struct ring_packet));
			}
		}
		ctf_layout_destroy(layout);
	}
	schema_destroy(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ring_view view;
	size_t bytes = ring_share_bytes(1 + LANES, RING_BYTES);
	struct ring_share *share = calloc(1, bytes);
	if (!share)
		return 0;
	fill(share);
	change((uint8_t *)share, bytes, data, size);
	if (ring_view_init(&view, share, bytes))
		read_all(&view);
	free(share);
	return 0;
}
