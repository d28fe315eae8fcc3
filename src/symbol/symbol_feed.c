/* SPDX-License-Identifier: MIT */
/* From the events of a trace to what symbol.h is told. */
#include "symbol/symbol.h"

#include <limits.h>
#include <stdio.h>

/* A string field with its NUL, cut to the buffer. */
static const char *slot_string(const struct event *event, unsigned slot, char *buffer, size_t bytes)
{
	size_t length = 0;
	const char *text = event_text(event, slot, &length);
	snprintf(buffer, bytes, "%.*s", (int)(length < bytes ? length : bytes - 1), text);
	return buffer;
}

static int feed_map(struct symbol *s, const struct event *event, struct err *e)
{
	char path[PATH_MAX], build_id[160];
	return symbol_add_map(
		s,
		&(struct symbol_map){
			.pid = (int32_t)event_int(event, STATE_MAP_PID),
			.time_ns = event->time_ns,
			.start = event_uint(event, STATE_MAP_START),
			.end = event_uint(event, STATE_MAP_END),
			.offset = event_uint(event, STATE_MAP_OFFSET),
			.path = slot_string(event, STATE_MAP_PATH, path, sizeof(path)),
			.build_id =
				slot_string(event, STATE_MAP_BUILD_ID, build_id, sizeof(build_id)),
		},
		e);
}

int symbol_feed(struct symbol *s, const struct event *event, struct err *e)
{
	char name[512];
	int32_t child = 0;
	switch (event->type->kind) {
	case EVENT_STATE_MAP:
		return feed_map(s, event, e);
	case EVENT_SCHED_FORK:
		child = (int32_t)event_int(event, FORK_CHILD_PID);
		if (child != (int32_t)event_int(event, FORK_CHILD_TID))
			return 0; /* a thread */
		return symbol_add_fork(s, (int32_t)event_int(event, FORK_PARENT_PID), child,
				       event->time_ns, e);
	case EVENT_SCHED_EXEC:
		return symbol_add_exec(s, (int32_t)event_int(event, EXEC_TID), event->time_ns, e);
	case EVENT_STATE_SYMBOL:
		return symbol_add_kernel(s, event_uint(event, STATE_SYMBOL_ADDR),
					 slot_string(event, STATE_SYMBOL_NAME, name, sizeof(name)),
					 event_uint(event, STATE_SYMBOL_OFFSET), e);
	default:
		return 0;
	}
}
