/* SPDX-License-Identifier: MIT */
/*
 * Events that cairn makes in the kernel: tracefs' dynamic events, each a place and what to fetch
 * there. Once made, one is a tracepoint like any other.
 *
 * All of one tool's stand in one group, cairn_PID or cairn_PID_N, whose directory is locked (flock)
 * as long as the tool lives: the lock goes with the process, however that ends. So a group with
 * such a name and without a lock is a dead cairn's, and clean_dynamic_events() (kernel/clean.h)
 * removes it.
 */
#ifndef CAIRN_KERNEL_DYNAMIC_EVENT_H
#define CAIRN_KERNEL_DYNAMIC_EVENT_H

#include "util/err.h"
#include "util/text.h"

#include <stdbool.h>
#include <stddef.h>

enum { DYNAMIC_EVENT_NAME_BYTES = 64 };

struct dynamic_event {
	bool is_return;     /* at the returns of the function there */
	const char *wish;   /* its name, made a C identifier and unique in the group */
	const char *place;  /* "vfs_read+4", "/usr/bin/redis-server:0x1234" */
	const char *fetch;  /* "fd=$arg1:s32 name=+0($arg2):string", or "" */
	const char *called; /* for sentences: what the person typed */
};

/* All zeros has no events and no group. */
struct dynamic_events {
	const char *tracefs;
	char group[DYNAMIC_EVENT_NAME_BYTES];
	int lock_fd; /* of the group's directory, once there is a group */
};

/* Whether this kernel takes probes of its own functions at all; the error says why not. */
int dynamic_event_kernel_allows(const char *tracefs, struct err *e);

/* What the kernel has against it becomes a sentence. */
int dynamic_event_make(struct dynamic_events *d, const struct dynamic_event *event,
		       char name_ret[static DYNAMIC_EVENT_NAME_BYTES], struct err *e);

/* Whoever recorded the events has let go of them. */
void dynamic_events_remove(struct dynamic_events *d);

/* Removes all of a group's events that nobody uses; whether there were any and all are gone. */
bool dynamic_group_remove(const char *tracefs, const char *group);

/*
 * What the kernel's error log says last, if it is about `command`: "Invalid argument number". NULL
 * when it says nothing of it. `log` is changed.
 */
const char *dynamic_event_complaint(char *log, const char *command);

#endif
