/* SPDX-License-Identifier: MIT */
/*
 * The events of a source that somebody asked for.
 *
 * Losses pass the conditions on names and threads: whoever looks at a part of a trace must see
 * what may be missing in it.
 */
#ifndef CAIRN_EVENT_FILTER_H
#define CAIRN_EVENT_FILTER_H

#include "event/source.h"

enum { FILTER_ANY = -2 };

struct filter {
	uint64_t from_ns, to_ns;  /* to_ns = UINT64_MAX: to the end */
	int32_t cpu, tid;         /* or FILTER_ANY */
	const char *const *globs; /* of event names; any of them */
	size_t glob_count;        /* 0: all names */
};

/* The filter owns the source from here on, also when it fails; the globs must outlive it. */
int filter_open(struct source **ret, struct source *source, const struct filter *f, struct err *e);

#endif
