/* SPDX-License-Identifier: MIT */
/*
 * Whatever gives events in time order: a trace directory, a merge of several, a test's array.
 *
 * next() gives 1 and an event, 0 at the end, or a negative code and a sentence. Losses come as
 * events of kind EVENT_LOST at the time they ended. After an error the source is at its end.
 */
#ifndef CAIRN_EVENT_SOURCE_H
#define CAIRN_EVENT_SOURCE_H

#include "event/event.h"

struct source {
	int (*next)(struct source *s, struct event *ret, struct err *e);
	void (*close)(struct source *s); /* frees the source itself */
};

static inline int source_next(struct source *s, struct event *ret, struct err *e)
{
	return s->next(s, ret, e);
}

static inline void source_close(struct source *s)
{
	if (s)
		s->close(s);
}

#endif
