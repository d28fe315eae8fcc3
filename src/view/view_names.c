/* SPDX-License-Identifier: MIT */
#include "view/view_names.h"
#include "symbol/symbol.h"

#include <errno.h>

enum { NAMES_INLINED_MAX = 16 };

struct names {
	struct symbol *symbol;
};

static int names_start(void *state, struct story *story)
{
	(void)story;
	struct names *names = state;
	return symbol_create(&names->symbol, NULL);
}

static int names_event(void *state, const struct event *e)
{
	struct names *names = state;
	return symbol_feed(names->symbol, e, NULL);
}

static void names_release(void *state)
{
	struct names *names = state;
	symbol_destroy(names->symbol);
}

const struct analysis analysis_names = {
	.name = "names",
	.kinds = KIND(STATE_MAP) | KIND(STATE_SYMBOL) | KIND(SCHED_FORK) | KIND(SCHED_EXEC),
	.state_bytes = sizeof(struct names),
	.start = names_start,
	.event = names_event,
	.release = names_release,
};

static size_t name_user(void *context, int32_t pid, uint64_t time_ns, uint64_t ip, bool is_return,
			struct view_place *ret, size_t max)
{
	struct symbol_place places[NAMES_INLINED_MAX];
	size_t count = symbol_find_all(context, pid, time_ns, ip, is_return, places,
				       max < NAMES_INLINED_MAX ? max : NAMES_INLINED_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct symbol_place *from = &places[i];
		ret[i] = (struct view_place){from->function, from->file, from->line, from->module,
					     from->module_offset};
	}
	return count;
}

static const char *name_kernel(void *context, uint64_t address)
{
	struct symbol_place place;
	symbol_find(context, 0, 0, address, false, &place);
	return place.function;
}

struct symbol *view_names_symbol(const struct story *story)
{
	const struct names *names = story_state(story, &analysis_names);
	return names ? names->symbol : NULL;
}

struct view_names view_names_of(const struct story *story)
{
	struct symbol *symbol = view_names_symbol(story);
	if (!symbol)
		return (struct view_names){.context = NULL};
	return (struct view_names){symbol, name_user, name_kernel};
}
