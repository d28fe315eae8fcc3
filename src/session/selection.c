/* SPDX-License-Identifier: MIT */
#include "session/selection.h"

#include "filter/condition.h"
#include "kernel/format.h"
#include "kernel/format_condition.h"
#include "kernel/tracefs.h"
#include "util/cleanup.h"

#include <ctype.h>
#include <string.h>

void selection_init(struct selection *s)
{
	*s = (struct selection){.waits = true};
}

static void event_deinit(struct plan_event *event)
{
	if (event->format)
		format_deinit((struct format *)event->format);
	free((void *)event->format);
	free((void *)event->fetch);
	condition_destroy((struct condition *)event->when);
}

void selection_deinit(struct selection *s)
{
	array_each(wish, &s->wishes) {
		free(wish->pattern);
		free(wish->when);
	}
	array_each(probe, &s->probes)
		kprobe_spec_deinit(probe);
	array_each(refusal, &s->refusals)
		free(*refusal);
	array_each(event, &s->events)
		event_deinit(event);
	kprobe_maker_deinit(&s->maker);
	array_free(&s->wishes);
	array_free(&s->probes);
	array_free(&s->refusals);
	array_free(&s->events);
	text_deinit(&s->notes);
	text_deinit(&s->markers);
}

static bool *selection_set(struct selection *s, const char *name)
{
	return !strcmp(name, "waits")      ? &s->waits
	       : !strcmp(name, "syscalls") ? &s->syscalls
	       : !strcmp(name, "locks")    ? &s->locks
					   : NULL;
}

/* "EVENT if CONDITION" into its two halves, without the blanks around them. */
static int split(const char *spec, struct wish *ret)
{
	const char *word = strstr(spec, " if ");
	size_t bytes = word ? (size_t)(word - spec) : strlen(spec);
	while (bytes && isspace((unsigned char)spec[bytes - 1]))
		bytes--;
	ret->pattern = strndup(spec, bytes);
	ret->when = word ? strdup(word + 4) : NULL;
	return ret->pattern && (ret->when || !word) ? 0 : -ENOMEM;
}

/* "marker:PROVIDER:NAME", "marker:PROVIDER", with "if level <= N". */
static int include_marker(struct selection *s, const char *spec, bool triggers, struct err *e)
{
	int64_t level = UINT8_MAX;
	const char *word = strstr(spec, " if ");
	size_t bytes = word ? (size_t)(word - spec) : strlen(spec);
	if (word && (strncmp(word, " if level <= ", 13) != 0 ||
		     text_parse_number(word + 13, 0, UINT8_MAX, &level) < 0))
		return err_set(e, EINVAL,
			       "markers are chosen by name and level only: "
			       "'marker:PROVIDER:NAME if level <= 3'");
	if (!bytes)
		return err_set(e, EINVAL, "which markers? 'marker:PROVIDER:NAME', with * and ?");
	bool is_pair = memchr(spec, ':', bytes);
	uint8_t most = (uint8_t)level;
	text_append(&s->markers, &most, 1);
	text_print(&s->markers, "%s%.*s%s", triggers ? "!" : "", (int)bytes, spec,
		   is_pair ? "" : ":*");
	text_append(&s->markers, "", 1);
	return s->markers.failed ? err_set(e, ENOMEM, "no memory for the marker '%s'", spec) : 0;
}

static const char marker[] = "marker:";
enum { MARKER_WORD_BYTES = sizeof(marker) - 1 };

int selection_trigger(struct selection *s, const char *spec, struct err *e)
{
	if (strncmp(spec, marker, MARKER_WORD_BYTES) != 0)
		return err_set(e, EINVAL,
			       "there is no trigger '%s' (exit:crash, marker:PROVIDER:NAME)", spec);
	return include_marker(s, spec + MARKER_WORD_BYTES, true, e);
}

static int include_probe(struct selection *s, const char *spec, struct err *e)
{
	struct kprobe_spec probe;
	int status = kprobe_spec_parse(&probe, spec, e);
	if (status == 0 && array_push(&s->probes, probe) < 0) {
		kprobe_spec_deinit(&probe);
		status = err_set(e, ENOMEM, "no memory for the probe '%s'", spec);
	}
	return status;
}

int selection_include(struct selection *s, const char *spec, struct err *e)
{
	struct wish wish;
	if (kprobe_spec_is(spec))
		return include_probe(s, spec, e);
	if (strncmp(spec, marker, MARKER_WORD_BYTES) == 0)
		return include_marker(s, spec + MARKER_WORD_BYTES, false, e);
	if (split(spec, &wish) < 0 || array_push(&s->wishes, wish) < 0) {
		free(wish.pattern);
		free(wish.when);
		return err_set(e, ENOMEM, "no memory for the event '%s'", spec);
	}
	bool *set = selection_set(s, wish.pattern);
	if (set && wish.when)
		return err_set(e, EINVAL, "the set '%s' takes no condition; name its events",
			       wish.pattern);
	if (set) {
		*set = true;
		struct wish last = s->wishes.items[--s->wishes.count];
		free(last.pattern);
	}
	return 0;
}

int selection_exclude(struct selection *s, const char *pattern, struct err *e)
{
	bool *set = selection_set(s, pattern);
	if (set) {
		*set = false;
		return 0;
	}
	char *copy = strdup(pattern);
	if (!copy || array_push(&s->refusals, copy) < 0) {
		free(copy);
		return err_set(e, ENOMEM, "no memory for the exception '%s'", pattern);
	}
	return 0;
}

static bool matches(const char *pattern, const char *event)
{
	const char *name = strchr(event, ':');
	return text_glob(pattern, strchr(pattern, ':') || !name ? event : name + 1);
}

static bool refused(const struct selection *s, const char *event)
{
	array_each(pattern, &s->refusals) {
		if (matches(*pattern, event))
			return true;
	}
	return false;
}

/* The recorder's own sets record some tracepoints already: by the name that its schema has. */
static bool covered(const struct selection *s, const struct schema *schema, const char *name)
{
	const struct event_type *type = schema_find(schema, name);
	if (!type || type->id >= RECORDER_GENERIC_ID)
		return false;
	switch (type->id) {
	case RECORDER_SYSCALL_ENTRY:
	case RECORDER_SYSCALL_EXIT:
		return s->syscalls;
	case RECORDER_CONTENTION_BEGIN:
	case RECORDER_CONTENTION_END:
		return s->locks;
	default:
		return s->waits;
	}
}

/*
 * `event` has the names and what else is known of it, `title` is what the trace calls it; what it
 * fetches is taken over, on failure too.
 */
static int add_event(struct selection *s, struct schema *schema, const char *tracefs,
		     struct plan_event event, const char *title, const char *when, struct err *e)
{
	const char *subsystem = event.subsystem, *name = event.name;
	event.id = (uint16_t)(RECORDER_GENERIC_ID + s->events.count);
	struct format *format = calloc(1, sizeof(*format));
	event.format = format;
	int status = format ? format_read(format, tracefs, subsystem, name, e)
			    : err_set(e, ENOMEM, "no memory for the event %s:%s", subsystem, name);
	if (status == 0) {
		event.subsystem = format->subsystem;
		event.name = format->name;
	}
	if (status == 0 && when)
		status = format_condition((struct condition **)&event.when, format, when, e);
	if (status == 0)
		status =
			format_add_type(schema, RECORDER_STREAM_EVENTS, event.id, title, format, e);
	if (status == 0 && array_push(&s->events, event) < 0)
		status = err_set(e, ENOMEM, "no memory for the event %s:%s", subsystem, name);
	if (status < 0)
		event_deinit(&event);
	return status;
}

/* Of an event that is recorded whole: a condition with a mistake in it is still a mistake. */
static int check_condition(const char *tracefs, const char *subsystem, const char *name,
			   const char *when, struct err *e)
{
	struct format format;
	struct condition *condition = NULL;
	int status = format_read(&format, tracefs, subsystem, name, e);
	if (status < 0)
		return status;
	status = format_condition(&condition, &format, when, e);
	condition_destroy(condition);
	format_deinit(&format);
	return status;
}

static bool chosen(const struct selection *s, const char *subsystem, const char *name)
{
	array_each(event, &s->events) {
		if (!strcmp(event->name, name) && !strcmp(event->subsystem, subsystem))
			return true;
	}
	return false;
}

static int resolve_name(struct selection *s, struct schema *schema, const char *tracefs,
			const struct wish *wish, char *event, struct err *e)
{
	if (refused(s, event))
		return 0;
	char *name = strchr(event, ':');
	*name++ = 0;
	if (chosen(s, event, name))
		return 0;
	if (covered(s, schema, name)) {
		if (!wish->when)
			return 0;
		text_print(&s->notes,
			   "%s:%s is recorded whole, as part of a set; leave the set out "
			   "(-x waits, syscalls or locks) to filter it\n",
			   event, name);
		return check_condition(tracefs, event, name, wish->when, e);
	}
	return add_event(s, schema, tracefs, (struct plan_event){event, name}, name, wish->when, e);
}

static int resolve(struct selection *s, struct schema *schema, const char *tracefs,
		   const struct wish *wish, struct err *e)
{
	struct tracefs_names names = {0};
	int status = tracefs_events(tracefs, wish->pattern, &names, e);
	if (status == 0 && !names.count)
		status = err_set(e, ENOENT,
				 "no event of this kernel is called '%s'; `cairn list` has them",
				 wish->pattern);
	for (size_t i = 0; status == 0 && i < names.count; i++)
		status = resolve_name(s, schema, tracefs, wish, names.items[i], e);
	tracefs_names_free(&names);
	return status;
}

static int resolve_probe(struct selection *s, struct schema *schema, const char *tracefs,
			 const struct kprobe_spec *probe, struct err *e)
{
	struct kprobe_event made;
	int status = kprobe_event_make(&s->maker, probe, &made, e);
	if (status < 0)
		return status;
	struct plan_event event = {.subsystem = s->maker.events.group,
				   .name = made.name,
				   .fetch = made.fetch,
				   .is_user = probe->is_user,
				   .is_return = probe->is_return};
	return add_event(s, schema, tracefs, event, probe->called, probe->condition, e);
}

static int resolve_probes(struct selection *s, struct schema *schema, const char *tracefs,
			  struct err *e)
{
	array_each(probe, &s->probes) {
		int status = resolve_probe(s, schema, tracefs, probe, e);
		if (status < 0)
			return status;
	}
	text_print(&s->notes, "%s", s->maker.notes.data ? s->maker.notes.data : "");
	return 0;
}

int selection_resolve(struct selection *s, struct schema *schema, struct err *e)
{
	if (!s->wishes.count && !s->probes.count)
		return 0;
	const char *tracefs;
	int status = tracefs_find(&tracefs, e);
	if (status < 0)
		return status;
	array_each(wish, &s->wishes) {
		status = resolve(s, schema, tracefs, wish, e);
		if (status < 0)
			return status;
	}
	return resolve_probes(s, schema, tracefs, e);
}
