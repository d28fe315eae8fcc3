/* SPDX-License-Identifier: MIT */
/* Binds event types to the numbers of known.h. */
#include "event/schema.h"

#include <string.h>

struct known {
	const char *names;
	const char *slots[EVENT_SLOTS_MAX];
};

static const struct known known_events[EVENT_KINDS] = {
#define X(kind, prefix, event_names, fields) [EVENT_##kind] = {event_names, {fields}},
#define F(prefix, slot, names)               [prefix##_##slot] = names,
	EVENT_KNOWN(X, F)
#undef X
#undef F
};

/* Gives the next of "a|b|c" in name and bytes; false at the end. */
static bool names_next(const char **names, const char **name_ret, size_t *bytes_ret)
{
	if (!*names || !**names)
		return false;
	size_t bytes = strcspn(*names, "|");
	*name_ret = *names;
	*bytes_ret = bytes;
	*names += bytes + ((*names)[bytes] == '|');
	return true;
}

static const struct field *slot_find(const struct type *structure, const char *names)
{
	const char *name;
	size_t bytes;
	while (names_next(&names, &name, &bytes)) {
		for (uint32_t i = 0; i < structure->structure.field_count; i++) {
			const struct field *f = &structure->structure.fields[i];
			if (!strncmp(f->name, name, bytes) && !f->name[bytes])
				return f;
		}
	}
	return NULL;
}

static enum event_kind kind_find(const char *event_name)
{
	for (int kind = EVENT_OTHER + 1; kind < EVENT_KINDS; kind++) {
		const char *names = known_events[kind].names, *name;
		size_t bytes;
		while (names_next(&names, &name, &bytes)) {
			if (!strncmp(event_name, name, bytes) && !event_name[bytes])
				return (enum event_kind)kind;
		}
	}
	return EVENT_OTHER;
}

void event_type_bind(struct event_type *type)
{
	type->kind = kind_find(type->name);
	for (unsigned slot = 0; type->payload && slot < EVENT_SLOTS_MAX; slot++)
		type->slots[slot] = slot_find(type->payload, known_events[type->kind].slots[slot]);
}
