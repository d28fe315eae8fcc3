/* SPDX-License-Identifier: MIT */
/*
 * A tracefs instance of cairn's own: a trace buffer and event switches nobody else uses.
 *
 * It is named cairn-PID-SESSION and its directory is locked (flock) as long as its maker lives:
 * the lock goes with the process, however that ends. So an instance with such a name and without
 * a lock is a dead cairn's, and clean_instances() (kernel/clean.h) removes it.
 */
#ifndef CAIRN_KERNEL_INSTANCE_H
#define CAIRN_KERNEL_INSTANCE_H

#include "kernel/convert.h"
#include "util/err.h"

#include <stdbool.h>
#include <stddef.h>

struct instance {
	char path[256];
	int lock_fd;
};

/* Recording is off, the clock is mono. `ring_bytes` for each cpu. */
int instance_create(struct instance *ret, const char *tracefs, const char *session,
		    size_t ring_bytes, bool overwrite, struct err *e);

/* Switches everything off and removes it; the caller has closed its files in there. */
void instance_destroy(struct instance *i);

/* Sets the event's filter and enables it; `own_pid` is never the asker of a generic event. */
int instance_enable(struct instance *i, const struct convert_event *event, int own_pid,
		    struct err *e);

int instance_switch(struct instance *i, bool on, struct err *e);

/* What per_cpu/cpuN/stats says. */
struct instance_stats {
	unsigned long long entries; /* in the buffer now */
	unsigned long long lost;    /* since the beginning, not counting overwritten ones */
};

int instance_stats(const struct instance *i, unsigned cpu, struct instance_stats *ret,
		   struct err *e);

#endif
