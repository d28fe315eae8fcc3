/* SPDX-License-Identifier: MIT */
/*
 * Which recordings of this user keep their rings for the case of a kill: a small file each.
 *
 * Its name is what the rings are kept as, its lock the proof that the maker lives. A file with
 * nothing in it is of a recording that did not begin.
 */
#ifndef CAIRN_SESSION_REGISTRY_H
#define CAIRN_SESSION_REGISTRY_H

#include "util/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct registry {
	int fd; /* locked; −1 without one */
	char path[128];
	char name[32];
};

struct registry_entry {
	const char *name;
	const char *trace;    /* where it goes or went; "" when nothing was recorded */
	const char *metadata; /* "" when the trace has it already */
	size_t metadata_bytes;
};

int registry_open(struct registry *ret, struct err *e);

/* Before the first event, and again with more. `metadata` is NULL when the trace has it. */
int registry_write(struct registry *r, const char *trace, const char *metadata, struct err *e);

void registry_close(struct registry *r); /* and the file goes */

/*
 * Every recording whose maker is dead, which nobody else looks at meanwhile. The file goes when
 * `visit` says true.
 */
int registry_each_dead(bool (*visit)(void *context, const struct registry_entry *entry),
		       void *context, struct err *e);

/* A trace's path from the root, also of one that does not exist. */
int registry_locate(const char *trace, char ret[PATH_MAX], struct err *e);

#endif
