/* SPDX-License-Identifier: MIT */
#include "event/watch.h"
#include "util/map.h"
#include "util/text.h"

#include <stdlib.h>

struct watch_source {
	struct source source;
	struct source *inner;
	struct watch *watch;
	struct map ends; /* event type's address → enum end + 1 */
};

enum end { END_NONE, END_FROM, END_TO, END_BOTH };

static enum end end_of(struct watch_source *s, const struct event_type *type)
{
	uint64_t *known = map_put(&s->ends, (uintptr_t)type);
	const struct watch *w = s->watch;
	if (known && *known)
		return (enum end)(*known - 1);
	unsigned from = w->from && text_glob(w->from, type->name) ? END_FROM : END_NONE;
	unsigned to = w->to && text_glob(w->to, type->name) ? END_TO : END_NONE;
	if (known)
		*known = (from | to) + 1;
	return (enum end)(from | to);
}

static int remember(struct watch *w, const struct event *event, bool is_to, struct err *e)
{
	const struct watch_seen seen = {event->time_ns, event->tid, is_to};
	if (w->seen.count == WATCH_SEEN_MAX) {
		w->unkept++;
		return 0;
	}
	if (array_push(&w->seen, seen))
		return err_set(e, ENOMEM, "no memory for the events of an interval");
	return 0;
}

static int watch_next(struct source *source, struct event *ret, struct err *e)
{
	struct watch_source *s = (struct watch_source *)source;
	int code = source_next(s->inner, ret, e), rc = 0;
	enum end end = code > 0 ? end_of(s, ret->type) : END_NONE;
	/* An event that is both ends the interval it is in before it begins the next. */
	if (end & END_TO)
		rc = remember(s->watch, ret, true, e);
	if (!rc && end & END_FROM)
		rc = remember(s->watch, ret, false, e);
	return rc ? rc : code;
}

static void watch_close(struct source *source)
{
	struct watch_source *s = (struct watch_source *)source;
	source_close(s->inner);
	map_deinit(&s->ends);
	free(s);
}

int watch_open(struct source **ret, struct source *inner, struct watch *w, struct err *e)
{
	struct watch_source *s = calloc(1, sizeof(*s));
	if (!s) {
		source_close(inner);
		return err_set(e, ENOMEM, "no memory to look for events");
	}
	*s = (struct watch_source){{watch_next, watch_close}, inner, w, {0}};
	*ret = &s->source;
	return 0;
}

void watch_deinit(struct watch *w)
{
	array_free(&w->seen);
}

static bool has_from_of(const struct watch *w, int32_t tid)
{
	array_each(seen, &w->seen) {
		if (!seen->is_to && seen->tid == tid)
			return true;
	}
	return false;
}

static void consider(struct watch_interval *longest, uint64_t from_ns, uint64_t to_ns, int32_t tid)
{
	if (!longest->count++ || to_ns - from_ns > longest->to_ns - longest->from_ns) {
		longest->from_ns = from_ns;
		longest->to_ns = to_ns;
		longest->tid = tid;
	}
}

bool watch_longest(const struct watch *w, uint64_t begin_ns, uint64_t end_ns, int32_t tid,
		   struct watch_interval *ret)
{
	bool own_from = tid && w->from && has_from_of(w, tid);
	bool open = !w->from;
	uint64_t from_ns = begin_ns;
	*ret = (struct watch_interval){0};
	array_each(seen, &w->seen) {
		if (seen->is_to ? tid && seen->tid != tid : own_from && seen->tid != tid)
			continue;
		if (seen->time_ns < begin_ns || seen->time_ns > end_ns)
			continue;
		if (!seen->is_to) {
			from_ns = open ? from_ns : seen->time_ns;
			open = true;
		} else if (open) {
			consider(ret, from_ns, seen->time_ns, seen->tid);
			open = false;
		}
		if (!w->to) { /* up to the end, from the first */
			consider(ret, from_ns, end_ns, tid ? tid : seen->tid);
			break;
		}
	}
	return ret->count > 0;
}
