/* SPDX-License-Identifier: MIT */
/*
 * A source that passes everything on and remembers when events of two names came, so that an
 * interval between events is found in the same pass that analyses them.
 */
#ifndef CAIRN_EVENT_WATCH_H
#define CAIRN_EVENT_WATCH_H

#include "event/source.h"
#include "util/array.h"

enum { WATCH_SEEN_MAX = 1 << 22 };

struct watch_seen {
	uint64_t time_ns;
	int32_t tid;
	bool is_to;
};

struct watch {
	const char *from, *to; /* globs of event names; NULL: not this end */
	ARRAY(struct watch_seen) seen;
	uint64_t unkept; /* beyond WATCH_SEEN_MAX */
};

/* From the first `from` since the last `to` up to the next `to`. */
struct watch_interval {
	uint64_t from_ns, to_ns;
	int32_t tid;  /* whose time it was at `to` */
	size_t count; /* of such intervals; this is the longest */
};

/* Takes the source over, also when it fails; the watch must outlive it. */
int watch_open(struct source **ret, struct source *inner, struct watch *w, struct err *e);
void watch_deinit(struct watch *w);

/*
 * The longest interval between the two; an end without a name is `begin` or `end`. With a tid only
 * that thread's `to` counts, and its `from` where it has any of its own (an interrupt's event is
 * whoever's it interrupted). false when there is none.
 */
bool watch_longest(const struct watch *w, uint64_t begin_ns, uint64_t end_ns, int32_t tid,
		   struct watch_interval *ret);

#endif
