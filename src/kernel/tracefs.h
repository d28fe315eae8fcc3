/* SPDX-License-Identifier: MIT */
/*
 * The tracefs file system: where it is, what events it lists, its small text files.
 */
#ifndef CAIRN_KERNEL_TRACEFS_H
#define CAIRN_KERNEL_TRACEFS_H

#include "util/err.h"
#include "util/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The directory of tracefs that this process can read; mounts it at /sys/kernel/tracing when it
 * is absent and the process may. The string is static. The error names the remedy.
 */
int tracefs_find(const char **ret, struct err *e);

struct tracefs_names {
	char **items; /* "sched:sched_switch" */
	size_t count;
};

/*
 * The events whose name matches, sorted: "sched:*", "block:block_rq_*", or a name of any subsystem
 * when the pattern has no colon. No match gives an empty list.
 */
int tracefs_events(const char *tracefs, const char *glob, struct tracefs_names *ret, struct err *e);
void tracefs_names_free(struct tracefs_names *names);

/* The whole of a file, NUL-terminated. `path` is put together from the format. */
int tracefs_read(struct text *ret, struct err *e, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes the string into an existing file in one write. */
int tracefs_write(const char *value, struct err *e, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

#endif
