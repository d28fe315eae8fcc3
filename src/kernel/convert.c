/* SPDX-License-Identifier: MIT */
#include "kernel/convert.h"

#include "filter/condition.h"
#include "kernel/convert_known.h"
#include "util/array.h"

#include <stdlib.h>
#include <string.h>

/* The common fields stand at the same places in every record. */
static uint16_t common_type(const void *record)
{
	uint16_t type;
	memcpy(&type, record, sizeof(type));
	return type;
}

static int32_t common_pid(const void *record)
{
	int32_t pid;
	memcpy(&pid, (const uint8_t *)record + 4, sizeof(pid));
	return pid;
}

static struct convert_event *add(struct convert *c, const struct format *f)
{
	if (c->count == c->capacity &&
	    array_grow((void **)&c->events, &c->capacity, c->count + 1, sizeof(*c->events)))
		return NULL;
	uint64_t *slot = map_put(&c->by_type, f->id);
	struct convert_event *event = slot ? calloc(1, sizeof(*event)) : NULL;
	if (!event)
		return NULL;
	*slot = c->count;
	c->events[c->count++] = event;
	return event;
}

static const struct known *known_find(const struct format *f)
{
	for (size_t i = 0; i < known_count; i++)
		if (strcmp(known_events[i].name, f->name) == 0 &&
		    strcmp(known_events[i].subsystem, f->subsystem) == 0)
			return &known_events[i];
	return NULL;
}

int convert_add_known(struct convert *c, struct format *f, struct err *e)
{
	const struct known *known = known_find(f);
	struct convert_event *event = known ? add(c, f) : NULL;
	if (!event) {
		format_deinit(f);
		return known ? err_set(e, ENOMEM, "no memory for the kernel's events") : 0;
	}
	event->own = *f;
	event->format = &event->own;
	event->known = known;
	event->id = known->id;
	for (size_t i = 0; i < CONVERT_FIELDS_MAX && known->fields[i].name; i++)
		event->fields[i] = format_find(event->format, known->fields[i].name);
	return 1;
}

int convert_add_generic(struct convert *c, const struct plan_event *asked, struct err *e)
{
	struct convert_event *event = add(c, asked->format);
	if (!event)
		return err_set(e, ENOMEM, "no memory for the kernel's events");
	event->format = asked->format;
	event->id = asked->id;
	event->when = asked->when;
	return 0;
}

static bool is_asked(const struct plan *plan, const struct known *known)
{
	for (size_t i = 0; i < plan->event_count; i++)
		if (strcmp(plan->events[i].name, known->name) == 0 &&
		    strcmp(plan->events[i].subsystem, known->subsystem) == 0)
			return true;
	return false;
}

/* An event that is asked for by name too is only recorded so. */
static int add_set(struct convert *c, const struct plan *plan, unsigned set, const char *tracefs,
		   struct err *e)
{
	for (size_t i = 0; i < known_count; i++) {
		const struct known *known = &known_events[i];
		struct format f;
		if (!(known->set & set) || is_asked(plan, known))
			continue;
		int result = format_read(&f, tracefs, known->subsystem, known->name, e);
		if (result == -ENOENT && known->id != RECORDER_SWITCH)
			continue;
		if (!result)
			result = convert_add_known(c, &f, e);
		if (result < 0)
			return result;
	}
	return 0;
}

int convert_open(struct convert *ret, const struct plan *plan, const char *tracefs, struct err *e)
{
	struct convert c = {.only_targets = plan->only_targets};
	if (targets_init(&c.targets, plan->targets, plan->target_count))
		return err_set(e, ENOMEM, "no memory for the targets");
	unsigned set = (plan->waits ? KNOWN_WAITS : 0) | (plan->syscalls ? KNOWN_SYSCALLS : 0) |
		       (plan->locks ? KNOWN_LOCKS : 0);
	int result = add_set(&c, plan, set, tracefs, e);
	for (size_t i = 0; i < plan->event_count && !result; i++)
		result = convert_add_generic(&c, &plan->events[i], e);
	if (result)
		convert_close(&c);
	else
		*ret = c;
	return result;
}

void convert_close(struct convert *c)
{
	for (size_t i = 0; i < c->count; i++) {
		format_deinit(&c->events[i]->own);
		free(c->events[i]);
	}
	free(c->events);
	map_deinit(&c->by_type);
	targets_deinit(&c->targets);
	*c = (struct convert){0};
}

int convert_filter(const struct convert_event *event, int own_pid, struct text *ret, struct err *e)
{
	if (event->known)
		return 0;
	int result = 0;
	if (own_pid > 0)
		text_print(ret, "common_pid != %d%s", own_pid, event->when ? " && (" : "");
	if (event->when)
		result = condition_print_kernel(event->when, ret, e);
	if (own_pid > 0 && event->when)
		text_print(ret, ")");
	if (!result && ret->failed)
		result = err_set(e, ENOMEM, "no memory for a filter");
	return result;
}

const struct convert_event *convert_find(const struct convert *c, const void *record, size_t bytes)
{
	const uint64_t *index =
		bytes < FORMAT_COMMON_BYTES ? NULL : map_find(&c->by_type, common_type(record));
	return index ? c->events[*index] : NULL;
}

/* Little-endian: the low bytes are the first. */
static void copy_field(const struct raw *raw, const struct known_field *known,
		       const struct format_field *field, uint8_t *payload)
{
	if (!known->is_text) {
		uint64_t value = format_uint(field, raw->data, raw->bytes);
		memcpy(payload + known->to, &value, known->bytes);
		return;
	}
	size_t bytes;
	const char *text = format_bytes(field, raw->data, raw->bytes, &bytes);
	if (text)
		memcpy(payload + known->to, text,
		       strnlen(text, bytes < known->bytes ? bytes : known->bytes - 1u));
}

static bool is_of_targets(const struct raw *raw, enum known_concern concern,
			  const struct converted *record)
{
	struct targets *t = &raw->convert->targets;
	int32_t tids[2];
	if (!raw->convert->only_targets)
		return true;
	memcpy(tids, record->payload, sizeof(tids));
	switch (concern) {
	case CONCERNS_BOTH:
		return targets_is_target(t, tids[0]) || targets_is_target(t, tids[1]);
	case CONCERNS_SUBJECT:
		return targets_is_target(t, tids[0]);
	case CONCERNS_WAKING:
		return targets_is_target(t, tids[0]) ||
		       (((const struct recorder_waking *)record->payload)->context ==
				WAKING_FROM_TASK &&
			targets_is_target(t, record->tid));
	case CONCERNS_CURRENT:
		return targets_is_target(t, record->tid);
	default:
		return true;
	}
}

static int convert_known(const struct raw *raw, struct converted *ret)
{
	const struct known *known = raw->event->known;
	ret->stream = known->stream;
	ret->bytes = known->bytes;
	memset(ret->payload, 0, known->bytes);
	for (size_t i = 0; i < CONVERT_FIELDS_MAX && known->fields[i].name; i++)
		if (raw->event->fields[i])
			copy_field(raw, &known->fields[i], raw->event->fields[i], ret->payload);
	if (known->finish)
		known->finish(raw, ret->payload);
	return known->bytes && is_of_targets(raw, known->concern, ret);
}

/* Part B of the layout: one dynamic field's elements, and its word in part A. */
static void append_dynamic(const struct raw *raw, const struct format_field *field,
			   struct converted *ret)
{
	size_t bytes = 0;
	const void *data = format_bytes(field, raw->data, raw->bytes, &bytes);
	if (!data)
		bytes = 0;
	if (bytes > sizeof(ret->payload) - ret->bytes)
		bytes = sizeof(ret->payload) - ret->bytes;
	uint32_t count = (uint32_t)(bytes / field->element_bytes);
	uint32_t word = count << 16;
	memcpy(ret->payload + field->offset - FORMAT_COMMON_BYTES, &word, sizeof(word));
	if (count)
		memcpy(ret->payload + ret->bytes, data, (size_t)count * field->element_bytes);
	ret->bytes += count * field->element_bytes;
}

static int convert_generic(const struct raw *raw, struct converted *ret)
{
	const struct format *f = raw->event->format;
	if (!is_of_targets(raw, CONCERNS_CURRENT, ret))
		return 0;
	ret->stream = RECORDER_STREAM_EVENTS;
	ret->bytes = (uint32_t)(f->fixed_bytes - FORMAT_COMMON_BYTES);
	memcpy(ret->payload, raw->data + FORMAT_COMMON_BYTES, ret->bytes);
	for (size_t i = 0; i < f->field_count; i++)
		if (format_is_dynamic(&f->fields[i]))
			append_dynamic(raw, &f->fields[i], ret);
	return 1;
}

int convert_record(struct convert *c, const void *record, size_t bytes, struct converted *ret)
{
	const struct convert_event *event = convert_find(c, record, bytes);
	if (!event)
		return bytes < FORMAT_COMMON_BYTES ? -EINVAL : 0;
	if (bytes < event->format->fixed_bytes)
		return -EINVAL;
	struct raw raw = {c, event, record, bytes};
	ret->id = event->id;
	ret->tid = common_pid(record);
	return event->known ? convert_known(&raw, ret) : convert_generic(&raw, ret);
}
