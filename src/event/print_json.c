/* SPDX-License-Identifier: MIT */
#include "event/print.h"
#include "event/walk.h"
#include "util/json.h"

static void json_value(struct json *j, const char *key, struct walk *w, const struct field *f);

static void json_integer(struct json *j, const char *key, const struct type *t, uint64_t value)
{
	const char *label = t->integer.label_count ? type_label(t, (int64_t)value) : NULL;
	if (label)
		json_string(j, key, label);
	else if (t->integer.is_signed)
		json_int(j, key, (int64_t)value);
	else
		json_uint(j, key, value);
}

static void json_elements(struct json *j, const char *key, struct walk *w, const struct type *t)
{
	const struct field element = walk_element(t);
	uint64_t count = walk_count(w, t);
	json_open(j, key, '[');
	for (uint64_t i = 0; i < count && !w->failed; i++)
		json_value(j, NULL, w, &element);
	json_close(j);
}

static void json_struct(struct json *j, const char *key, struct walk *w, const struct type *t)
{
	walk_align(w, t->align_bits);
	json_open(j, key, '{');
	for (uint32_t i = 0; i < t->structure.field_count && !w->failed; i++)
		json_value(j, t->structure.fields[i].name, w, &t->structure.fields[i]);
	json_close(j);
}

static void json_scalar(struct json *j, const char *key, struct walk *w, const struct field *f)
{
	if (f->type->kind == TYPE_INTEGER) {
		uint64_t value = walk_integer(w, f);
		if (!w->failed)
			json_integer(j, key, f->type, value);
	} else {
		double value = walk_real(w, f->type);
		if (!w->failed)
			json_real(j, key, value);
	}
	if (w->failed)
		json_null(j, key);
}

static void json_value(struct json *j, const char *key, struct walk *w, const struct field *f)
{
	const struct type *t = f->type;
	if (type_is_text(t)) {
		struct walk_bytes text = walk_text(w, t);
		if (w->failed)
			json_null(j, key);
		else
			json_bytes(j, key, text.start, text.bytes);
		return;
	}
	switch (t->kind) {
	case TYPE_ARRAY:
	case TYPE_SEQUENCE:
		json_elements(j, key, w, t);
		break;
	case TYPE_STRUCT:
		json_struct(j, key, w, t);
		break;
	case TYPE_VARIANT: {
		const struct field *option = walk_option(w, t);
		if (option)
			json_value(j, key, w, option);
		else
			json_null(j, key);
		break;
	}
	default:
		json_scalar(j, key, w, f);
	}
}

static void json_whole(struct json *j, const char *key, const struct type *structure,
		       const uint8_t *data, size_t bytes)
{
	const struct field whole = {.name = key, .type = structure};
	struct walk w;
	walk_init(&w, data, bytes);
	json_value(j, key, &w, &whole);
}

void print_json(struct text *out, const struct event *e)
{
	struct json j = {.out = out, .compact = true};
	json_open(&j, NULL, '{');
	json_uint(&j, "time_ns", e->time_ns);
	if (e->cpu != EVENT_CPU_NONE)
		json_int(&j, "cpu", e->cpu);
	if (e->tid != EVENT_TID_UNKNOWN)
		json_int(&j, "tid", e->tid);
	json_string(&j, "event", e->type->name);
	if (e->context && e->payload > e->context)
		json_whole(&j, "context", e->type->context, e->context,
			   (size_t)(e->payload - e->context));
	json_whole(&j, "fields", e->type->payload, e->payload, e->payload_bytes);
	json_close(&j);
}
