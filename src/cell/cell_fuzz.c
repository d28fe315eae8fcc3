/* SPDX-License-Identifier: MIT */
/* Any bytes as a share of cells: the view refuses them, or reads inside them. */
#include "cell/cell_read.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct cell_view view;

static void read_all(const struct cell_view *v)
{
	struct cell_hist hist;
	struct cell_key_slot found;
	for (uint32_t cell = 0; cell <= v->own.count; cell++) {
		cell_view_count(v, cell);
		cell_view_hist(v, cell, &hist);
		for (uint32_t slot = 0; cell_view_next(v, cell, &slot, &found);)
			continue;
		cell_view_open(v, cell);
		cell_view_lost(v, cell);
	}
}

/* Input: the cells, 40 bytes each, then bytes of the data; the head is made here. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	enum { DATA_BYTES = 1 << 16 };
	size_t whole = sizeof(struct cell_share) + DATA_BYTES;
	struct cell_share *share = calloc(1, whole);
	if (!share)
		return 0;
	size_t cells = bytes / sizeof(struct cell);
	if (bytes > whole - offsetof(struct cell_share, cells))
		bytes = whole - offsetof(struct cell_share, cells);
	memcpy(share->cells, data, bytes);
	share->magic = CELL_SHARE_MAGIC;
	share->version = CELL_SHARE_VERSION;
	share->count = cells < 4 ? (uint32_t)cells : 4;
	if (cell_view_init(&view, share, whole))
		read_all(&view);
	free(share);
	return 0;
}
