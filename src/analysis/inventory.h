/* SPDX-License-Identifier: MIT */
/* The names of things, as the state dump tells them: open files, interrupts, disks. */
#ifndef CAIRN_ANALYSIS_INVENTORY_H
#define CAIRN_ANALYSIS_INVENTORY_H

#include "analysis/analysis.h"
#include "util/map.h"

struct inventory {
	struct map files;   /* pid and fd → name; until an exec */
	int32_t fd_last;    /* the highest in `files` */
	struct map irqs;    /* number → name */
	struct map disks;   /* device number → name */
	struct map strings; /* hash → the one copy of a string: paths repeat in every process */
};

/* NULL when the trace does not tell. */
const char *inventory_file(const struct inventory *i, int32_t pid, int32_t fd);
const char *inventory_irq(const struct inventory *i, int32_t irq);
const char *inventory_disk(const struct inventory *i, uint32_t dev);

#endif
