/* SPDX-License-Identifier: MIT */
#include "event/filter.h"
#include "util/map.h"
#include "util/text.h"

#include <stdlib.h>

struct filter_source {
	struct source source;
	struct source *inner;
	struct filter filter;
	struct map wanted; /* 1 or 2 (no) by event type's address */
};

static bool name_matches(const struct filter *f, const char *name)
{
	for (size_t i = 0; i < f->glob_count; i++) {
		if (text_glob(f->globs[i], name))
			return true;
	}
	return !f->glob_count;
}

/* Each type's name is matched once. */
static bool type_wanted(struct filter_source *s, const struct event_type *type)
{
	if (!s->filter.glob_count || type->kind == EVENT_LOST)
		return true;
	uint64_t *answer = map_put(&s->wanted, (uintptr_t)type);
	if (!answer)
		return name_matches(&s->filter, type->name);
	if (!*answer)
		*answer = name_matches(&s->filter, type->name) ? 1 : 2;
	return *answer == 1;
}

static bool event_wanted(struct filter_source *s, const struct event *e)
{
	const struct filter *f = &s->filter;
	bool lost = e->type->kind == EVENT_LOST;
	return e->time_ns >= f->from_ns && (f->cpu == FILTER_ANY || e->cpu == f->cpu) &&
	       (f->tid == FILTER_ANY || e->tid == f->tid || lost) && type_wanted(s, e->type);
}

static int filter_next(struct source *source, struct event *ret, struct err *e)
{
	struct filter_source *s = (struct filter_source *)source;
	int code;
	while ((code = source_next(s->inner, ret, e)) > 0) {
		if (ret->time_ns > s->filter.to_ns)
			return 0;
		if (event_wanted(s, ret))
			return 1;
	}
	return code;
}

static void filter_close(struct source *source)
{
	struct filter_source *s = (struct filter_source *)source;
	source_close(s->inner);
	map_deinit(&s->wanted);
	free(s);
}

int filter_open(struct source **ret, struct source *source, const struct filter *f, struct err *e)
{
	struct filter_source *s = calloc(1, sizeof(*s));
	if (!s) {
		source_close(source);
		return err_set(e, ENOMEM, "no memory for a filter");
	}
	*s = (struct filter_source){{filter_next, filter_close}, source, *f, {0}};
	*ret = &s->source;
	return 0;
}
