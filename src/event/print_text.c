/* SPDX-License-Identifier: MIT */
#include "event/print.h"
#include "event/walk.h"
#include "util/map.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	NS_PER_S = 1000000000,
	NUMBER_ROOM = 72,
	NAME_BYTES_MAX = 512,
	LINE_CACHE = 256, /* a power of two */
};

/* Text that is the same for each event; short ones are copied without a loop. */
struct label {
	char *text;
	size_t bytes;
};

/* A type's line as far as it is the same for each event. */
struct line {
	const struct event_type *type;
	struct label name;    /* "sched_switch " */
	struct label *fields; /* " prev_tid=" */
};

struct print {
	struct map lines;                     /* by type */
	const struct line *cache[LINE_CACHE]; /* the same by the low bits of the type's index */
	uint64_t second;                      /* of the last event, and how it reads */
	char second_text[OUT_PIECE];
	size_t second_bytes;
};

int print_create(struct print **ret, struct err *e)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : err_set(e, ENOMEM, "no memory to print events");
}

static int label_init(struct label *ret, const char *format, const char *name)
{
	char *text = calloc(1, NAME_BYTES_MAX + OUT_PIECE);
	if (!text)
		return -ENOMEM;
	int bytes = snprintf(text, NAME_BYTES_MAX, format, name);
	ret->bytes = bytes < NAME_BYTES_MAX ? (size_t)bytes : NAME_BYTES_MAX - 1;
	ret->text = text;
	return 0;
}

/* Makes room for a number behind it too. */
static void put_label(struct out *o, const struct label *label)
{
	out_room(o, NAME_BYTES_MAX + NUMBER_ROOM);
	if (label->bytes <= OUT_PIECE)
		out_piece(o, label->text, label->bytes);
	else
		out_raw(o, label->text, label->bytes);
}

static void line_destroy(struct line *line)
{
	if (!line)
		return;
	for (uint32_t i = 0; line->fields && i < line->type->payload->structure.field_count; i++)
		free(line->fields[i].text);
	free(line->fields);
	free(line->name.text);
	free(line);
}

void print_destroy(struct print *p)
{
	if (!p)
		return;
	map_each(slot, &p->lines)
		line_destroy((struct line *)(uintptr_t)slot->value);
	map_deinit(&p->lines);
	free(p);
}

static struct line *line_create(const struct event_type *type)
{
	const struct type *payload = type->payload;
	uint32_t count = payload->structure.field_count;
	struct line *line = calloc(1, sizeof(*line));
	if (!line)
		return NULL;
	line->type = type;
	line->fields = calloc(count + 1, sizeof(*line->fields));
	int code = line->fields ? label_init(&line->name, "%s ", type->name) : -ENOMEM;
	for (uint32_t i = 0; !code && i < count; i++) {
		const struct field *f = &payload->structure.fields[i];
		code = label_init(&line->fields[i], " %s=", f->name);
	}
	if (!code)
		return line;
	line_destroy(line);
	return NULL;
}

static const struct line *line_of(struct print *p, const struct event_type *type)
{
	const struct line **cached = &p->cache[type->index & (LINE_CACHE - 1)];
	if (*cached && (*cached)->type == type)
		return *cached;
	uint64_t *place = map_put(&p->lines, (uintptr_t)type);
	if (place && !*place)
		*place = (uintptr_t)line_create(type);
	*cached = place ? (const struct line *)(uintptr_t)*place : NULL;
	return *cached;
}

static void put_binary(struct out *o, uint64_t value)
{
	unsigned digits = value ? 64 - (unsigned)__builtin_clzll(value) : 1;
	out_raw(o, "0b", 2);
	while (digits-- > 0)
		out_byte(o, (char)('0' + (value >> digits & 1)));
}

static void put_octal(struct out *o, uint64_t value)
{
	unsigned digits = value ? (66 - (unsigned)__builtin_clzll(value)) / 3 : 1;
	out_byte(o, '0');
	while (digits-- > 0)
		out_byte(o, (char)('0' + (value >> (3 * digits) & 7)));
}

/* `value` is sign-extended when its type is signed. */
static void put_integer(struct out *o, const struct type *t, uint64_t value)
{
	const char *label = t->integer.label_count ? type_label(t, (int64_t)value) : NULL;
	uint64_t bits = value & (~(uint64_t)0 >> (64 - t->integer.bits));
	if (label) {
		out_text(o, label);
		return;
	}
	out_room(o, NUMBER_ROOM);
	if (t->integer.base == 10 && t->integer.is_signed)
		out_int(o, (int64_t)value);
	else if (t->integer.base == 16)
		out_hex(o, bits);
	else if (t->integer.base == 8)
		put_octal(o, bits);
	else if (t->integer.base == 2)
		put_binary(o, bits);
	else
		out_uint(o, bits);
}

/* The fewest digits that mean the same number. */
static void put_real(struct out *o, const struct type *t, double value)
{
	char digits[40];
	int precision = t->real.bits == 32 ? 6 : 15;
	for (int tries = 0; tries < 3; tries++) {
		snprintf(digits, sizeof(digits), "%.*g", precision + tries, value);
		double again = strtod(digits, NULL);
		if (t->real.bits == 32 ? (float)again == (float)value : again == value)
			break;
	}
	out_text(o, digits);
}

static void put_value(struct out *o, struct walk *w, const struct field *f);

static void put_elements(struct out *o, struct walk *w, const struct type *t)
{
	const struct field element = walk_element(t);
	uint64_t count = walk_count(w, t);
	out_text(o, "[");
	for (uint64_t i = 0; i < count && !w->failed; i++) {
		if (i)
			out_text(o, ", ");
		put_value(o, w, &element);
	}
	out_text(o, "]");
}

static void put_struct(struct out *o, struct walk *w, const struct type *t)
{
	walk_align(w, t->align_bits);
	out_text(o, "{");
	for (uint32_t i = 0; i < t->structure.field_count && !w->failed; i++) {
		const struct field *f = &t->structure.fields[i];
		if (i)
			out_text(o, " ");
		out_text(o, f->name);
		out_text(o, "=");
		put_value(o, w, f);
	}
	out_text(o, "}");
}

static void put_failed(struct out *o)
{
	out_text(o, "?");
}

static void put_scalar(struct out *o, struct walk *w, const struct field *f)
{
	const struct type *t = f->type;
	uint64_t value = 0;
	double real = 0;
	if (t->kind == TYPE_INTEGER)
		value = walk_integer(w, f);
	else
		real = walk_real(w, t);
	if (w->failed)
		put_failed(o);
	else if (t->kind == TYPE_INTEGER)
		put_integer(o, t, value);
	else
		put_real(o, t, real);
}

static void put_value(struct out *o, struct walk *w, const struct field *f)
{
	const struct type *t = f->type;
	if (type_is_text(t)) {
		struct walk_bytes text = walk_text(w, t);
		if (w->failed)
			put_failed(o);
		else
			out_quoted(o, text.start, text.bytes);
		return;
	}
	switch (t->kind) {
	case TYPE_ARRAY:
	case TYPE_SEQUENCE:
		put_elements(o, w, t);
		break;
	case TYPE_STRUCT:
		put_struct(o, w, t);
		break;
	case TYPE_VARIANT: {
		const struct field *option = walk_option(w, t);
		if (option)
			put_value(o, w, option);
		else
			put_failed(o);
		break;
	}
	default:
		put_scalar(o, w, f);
	}
}

static void put_time(struct out *o, uint64_t time_ns)
{
	out_padded(o, time_ns / NS_PER_S, 5);
	out_byte(o, '.');
	out_digits(o, time_ns % NS_PER_S, 9);
}

static void put_column(struct out *o, int32_t value, int32_t unknown, unsigned width)
{
	char *start = o->at;
	if (value == unknown)
		out_byte(o, '?');
	else
		out_int(o, value);
	out_column(o, start, width);
}

/* "[   12." once a second. */
static void print_second(struct print *p, uint64_t second)
{
	struct out text = {.at = p->second_text};
	out_byte(&text, '[');
	out_padded(&text, second, 5);
	out_byte(&text, '.');
	p->second = second;
	p->second_bytes = (size_t)(text.at - p->second_text);
}

static void put_start(struct print *p, struct out *o, const struct event *e)
{
	uint64_t second = e->time_ns / NS_PER_S;
	if (second != p->second || !p->second_bytes)
		print_second(p, second);
	out_room(o, 256);
	out_piece(o, p->second_text, p->second_bytes);
	out_digits(o, e->time_ns - second * NS_PER_S, 9);
	out_raw(o, "] cpu", 5);
	put_column(o, e->cpu, EVENT_CPU_NONE, 2);
	out_raw(o, " tid ", 5);
	put_column(o, e->tid, EVENT_TID_UNKNOWN, 8);
	out_byte(o, ' ');
}

static void put_lost(struct out *o, const struct event *e)
{
	uint64_t count = event_uint(e, LOST_COUNT), packets = event_uint(e, LOST_PACKETS);
	out_raw(o, "--- lost ", 9);
	if (packets) {
		out_uint(o, packets);
		out_text(o, packets == 1 ? " packet" : " packets");
	} else {
		out_uint(o, count);
		out_text(o, count == 1 ? " event" : " events");
	}
	out_text(o, " since ");
	out_room(o, NUMBER_ROOM);
	put_time(o, event_uint(e, LOST_BEGIN));
	out_text(o, " ---");
}

static void put_context(struct out *o, const struct event *e)
{
	const struct type *context = e->type->context;
	const struct field whole = {.name = "", .type = context};
	struct walk w;
	/* The source has found the whole event, its context included, inside the packet. */
	walk_init(&w, e->context, (size_t)(e->payload - e->context));
	out_byte(o, ' ');
	put_value(o, &w, &whole);
}

static void put_fields(struct out *o, const struct event *e, const struct line *line)
{
	const struct type *payload = e->type->payload;
	struct walk w;
	walk_init(&w, e->payload, e->payload_bytes);
	for (uint32_t i = 0; i < payload->structure.field_count && !w.failed; i++) {
		const struct field *f = &payload->structure.fields[i];
		put_label(o, &line->fields[i]);
		if (!f->fast_bytes || f->saved) {
			put_value(o, &w, f);
			continue;
		}
		bool is_signed = f->type->integer.is_signed;
		put_integer(o, f->type, is_signed ? (uint64_t)field_int(e, f) : field_uint(e, f));
		w.at_bits = (uint64_t)f->offset_bits + f->fast_bytes * 8u;
	}
}

void print_text(struct print *p, struct out *o, const struct event *e)
{
	const struct line *line = line_of(p, e->type);
	put_start(p, o, e);
	if (!line) {
		out_text(o, "no memory for this event\n");
		return;
	}
	if (e->type->kind == EVENT_LOST) {
		put_lost(o, e);
	} else {
		put_label(o, &line->name);
		if (e->context && e->payload > e->context)
			put_context(o, e);
		put_fields(o, e, line);
	}
	out_room(o, 1);
	out_byte(o, '\n');
}
