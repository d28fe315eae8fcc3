/* SPDX-License-Identifier: MIT */
/*
 * A page of the kernel's trace buffer, as trace_pipe_raw gives it, one record after the other.
 *
 *   u64 time of the page · u64 commit: bytes of data, flags at bits 30 and 31 · data
 *   data: u32 { type_len:5, time_delta:27 } · what type_len says, to a multiple of 4
 *
 * type_len 1 to 28 counts words of a record, 0 means the length is in the next word; 29 is
 * padding, 30 and 31 only carry time. Little-endian, as every kernel cairn runs on.
 */
#ifndef CAIRN_KERNEL_TRACEFS_PAGE_H
#define CAIRN_KERNEL_TRACEFS_PAGE_H

#include "base/cursor.h"

enum { TRACEFS_PAGE_HEADER_BYTES = 16 };

/* The loss in front of a page. */
enum tracefs_loss {
	TRACEFS_LOSS_NONE,
	TRACEFS_LOSS_COUNTED,   /* `lost` events */
	TRACEFS_LOSS_UNCOUNTED, /* the page had no room for the number */
};

struct tracefs_page {
	struct cursor data;
	uint64_t time; /* of the last record; at first the page's own */
	uint64_t lost;
	enum tracefs_loss loss;
};

struct tracefs_record {
	uint64_t time;    /* in units of the instance's trace_clock */
	const void *data; /* begins with the common fields */
	uint32_t bytes;
};

/* 0, or -EINVAL for a page that contradicts itself. */
int tracefs_page_open(struct tracefs_page *ret, const void *page, size_t bytes);

/* 1 and a record, 0 at the end, -EINVAL for a record that leaves the page. */
int tracefs_page_next(struct tracefs_page *page, struct tracefs_record *ret);

#endif
