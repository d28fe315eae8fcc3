/* SPDX-License-Identifier: MIT */
/* Requests to disks: how long each took from issue to completion, and who caused it. */
#ifndef CAIRN_ANALYSIS_DISKS_H
#define CAIRN_ANALYSIS_DISKS_H

#include "analysis/causes.h"
#include "analysis/histogram.h"

enum { DISK_OUTSTANDING_MAX = 1 << 14 };

struct disk {
	uint32_t dev;
	struct {
		struct histogram latency_ns;
		uint64_t bytes;
		struct disk_request longest;
	} ops[DISK_OPS];
};

struct disks {
	struct causes *causes;
	ARRAY(struct disk *) all;
	struct map pending; /* by device and sector → struct disk_request under way */
	uint64_t unmatched; /* completions whose issue was not seen, or not surely theirs */
};

const char *disk_op_name(enum disk_op op);

/* What a request is, from the event's rwbs field: text, LTTng's bits, or the kernel's own. */
enum disk_op disk_op_of(const struct event *e, unsigned slot);

#endif
