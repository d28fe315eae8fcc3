/* SPDX-License-Identifier: MIT */
#include "event/script.h"
#include "util/array.h"
#include "util/map.h"
#include "util/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCRIPT_FIELDS_MAX = 24, SCRIPT_WORDS_MAX = 256 };

struct script {
	struct source source;
	struct schema *schema;
	ARRAY(struct event) events;
	size_t next;
	struct map running; /* tid by cpu */
};

/* One line on its way to an event. */
struct line {
	struct script *script;
	const char *at;
	unsigned number;
	struct err *e;
	struct event event;
	char name[64];
	struct field fields[SCRIPT_FIELDS_MAX];
	uint32_t field_count;
	struct text payload;
};

static int line_wrong(const struct line *l, const char *what)
{
	int shown = (int)strcspn(l->at, "\n");
	return err_set(l->e, EINVAL, "script line %u: %s at '%.*s'", l->number, what, shown, l->at);
}

static void line_skip_blanks(struct line *l)
{
	l->at += strspn(l->at, " \t");
}

static bool line_ended(const struct line *l)
{
	return !*l->at || *l->at == '\n' || *l->at == '#';
}

static bool line_number(struct line *l, uint64_t *ret)
{
	char *end;
	bool negative = *l->at == '-';
	const char *digits = l->at + negative;
	if (!isdigit((unsigned char)*digits))
		return false;
	uint64_t value = strtoull(digits, &end, 0);
	l->at = end;
	*ret = negative ? -value : value;
	return true;
}

static int line_time(struct line *l)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"", 1}};
	uint64_t value;
	if (!line_number(l, &value))
		return line_wrong(l, "a time belongs");
	size_t bytes = strcspn(l->at, " \t\n");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) == bytes && !strncmp(units[i].name, l->at, bytes)) {
			l->event.time_ns = value * units[i].ns;
			l->at += bytes;
			return 0;
		}
	}
	return line_wrong(l, "ns, us, ms or s belongs");
}

/* "cpu3", "tid-1": the number after the word; false when something else stands there. */
static bool line_prefixed(struct line *l, const char *word, int32_t *ret)
{
	const char *before = l->at;
	uint64_t value;
	line_skip_blanks(l);
	if (!strncmp(l->at, word, strlen(word))) {
		l->at += strlen(word);
		if (line_number(l, &value)) {
			*ret = (int32_t)value;
			return true;
		}
	}
	l->at = before;
	return false;
}

static int line_name(struct line *l)
{
	line_skip_blanks(l);
	size_t bytes = strcspn(l->at, " \t\n");
	if (!bytes || bytes >= sizeof(l->name))
		return line_wrong(l, "the event's name belongs");
	memcpy(l->name, l->at, bytes);
	l->at += bytes;
	return 0;
}

static int line_add_field(struct line *l, const char *name, size_t bytes, struct type *type)
{
	char *copy = schema_alloc(l->script->schema, bytes + 1);
	if (!copy || !type)
		return err_set(l->e, ENOMEM, "script line %u: no memory", l->number);
	if (l->field_count == SCRIPT_FIELDS_MAX)
		return line_wrong(l, "too many fields");
	memcpy(copy, name, bytes);
	l->fields[l->field_count++] = (struct field){.name = copy, .type = type};
	return 0;
}

static int line_words(struct line *l, const char *name, size_t bytes)
{
	struct schema *s = l->script->schema;
	uint64_t words[SCRIPT_WORDS_MAX], count = 0;
	l->at++;
	for (line_skip_blanks(l); *l->at != ']'; line_skip_blanks(l)) {
		if (count == SCRIPT_WORDS_MAX || !line_number(l, &words[count++]))
			return line_wrong(l, "a number or ] belongs");
	}
	l->at++;
	char length[80];
	int length_bytes = snprintf(length, sizeof(length), "_%.*s_length", (int)bytes, name);
	if (length_bytes < 0 || (size_t)length_bytes >= sizeof(length))
		return line_wrong(l, "the name is too long");
	text_append(&l->payload, &count, sizeof(count));
	text_append(&l->payload, words, count * sizeof(words[0]));
	int code = line_add_field(l, length, (size_t)length_bytes, type_integer(s, 64, false, 10));
	return code ? code
		    : line_add_field(l, name, bytes,
				     type_sequence(s, type_integer(s, 64, false, 16), length));
}

static int line_text(struct line *l, const char *name, size_t bytes)
{
	bool quoted = *l->at == '\'';
	l->at += quoted;
	size_t length = strcspn(l->at, quoted ? "'\n" : " \t\n");
	text_append(&l->payload, l->at, length);
	text_append(&l->payload, "", 1);
	l->at += length;
	if (quoted && *l->at++ != '\'')
		return line_wrong(l, "the closing quote is missing");
	return line_add_field(l, name, bytes, type_string(l->script->schema));
}

static int line_field(struct line *l)
{
	const char *name = l->at;
	size_t bytes = strcspn(name, "= \t\n");
	if (!bytes || name[bytes] != '=')
		return line_wrong(l, "field=value belongs");
	l->at += bytes + 1;
	if (*l->at == '[')
		return line_words(l, name, bytes);
	const char *value_start = l->at;
	uint64_t value;
	if (line_number(l, &value) && (isspace((unsigned char)*l->at) || !*l->at)) {
		text_append(&l->payload, &value, sizeof(value));
		return line_add_field(l, name, bytes,
				      type_integer(l->script->schema, 64, true, 10));
	}
	l->at = value_start;
	return line_text(l, name, bytes);
}

/* Lines with the same name and the same fields share a type. */
static bool line_matches(const struct line *l, const struct event_type *type)
{
	if (strcmp(type->name, l->name) || type->payload->structure.field_count != l->field_count)
		return false;
	for (uint32_t i = 0; i < l->field_count; i++) {
		const struct field *f = &type->payload->structure.fields[i];
		if (strcmp(f->name, l->fields[i].name) || f->type->kind != l->fields[i].type->kind)
			return false;
	}
	return true;
}

static int line_bind(struct line *l)
{
	struct schema *s = l->script->schema;
	for (size_t i = 0; i < s->type_count; i++) {
		if (line_matches(l, s->types[i])) {
			l->event.type = s->types[i];
			return 0;
		}
	}
	struct type *payload = type_struct(s, l->field_count);
	for (uint32_t i = 0; i < l->field_count; i++)
		type_set_field(payload, i, l->fields[i].name, l->fields[i].type);
	struct event_type *type;
	int code = payload ? schema_add(s, 0, s->type_count, l->name, NULL, payload, &type, l->e)
			   : err_set(l->e, ENOMEM, "no memory for a script");
	if (!code)
		l->event.type = type;
	return code;
}

static int line_keep(struct line *l)
{
	struct script *s = l->script;
	size_t bytes = l->payload.bytes;
	uint8_t *payload = schema_alloc(s->schema, bytes + 1);
	if (!payload || l->payload.failed)
		return err_set(l->e, ENOMEM, "no memory for a script");
	if (bytes)
		memcpy(payload, l->payload.data, bytes);
	l->event.payload = payload;
	l->event.payload_bytes = (uint32_t)bytes;
	if (s->events.count && s->events.items[s->events.count - 1].time_ns > l->event.time_ns)
		return err_set(l->e, EINVAL, "script line %u: time goes backwards", l->number);
	if (l->event.type->kind == EVENT_SCHED_SWITCH) {
		uint64_t *tid = map_put(&s->running, (uint32_t)l->event.cpu);
		if (!tid)
			return err_set(l->e, ENOMEM, "no memory for a script");
		*tid = event_uint(&l->event, SWITCH_NEXT_TID);
	}
	return array_push(&s->events, l->event) ? err_set(l->e, ENOMEM, "no memory for a script")
						: 0;
}

static int line_parse(struct line *l)
{
	struct script *s = l->script;
	int code = line_time(l);
	if (code)
		return code;
	l->event.cpu = s->events.count ? s->events.items[s->events.count - 1].cpu : 0;
	line_prefixed(l, "cpu", &l->event.cpu);
	uint64_t *running = map_find(&s->running, (uint32_t)l->event.cpu);
	l->event.tid = running ? (int32_t)*running : EVENT_TID_UNKNOWN;
	line_prefixed(l, "tid", &l->event.tid);
	code = line_name(l);
	for (line_skip_blanks(l); !code && !line_ended(l); line_skip_blanks(l))
		code = line_field(l);
	if (!code)
		code = line_bind(l);
	return code ? code : line_keep(l);
}

static int script_parse(struct script *s, const char *text, struct err *e)
{
	int code = 0;
	for (unsigned number = 1; *text && !code; number++) {
		struct line l = {.script = s, .at = text, .number = number, .e = e};
		line_skip_blanks(&l);
		if (!line_ended(&l))
			code = line_parse(&l);
		text_deinit(&l.payload);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return code;
}

static int script_next(struct source *source, struct event *ret, struct err *e)
{
	(void)e;
	struct script *s = (struct script *)source;
	if (s->next == s->events.count)
		return 0;
	*ret = s->events.items[s->next++];
	return 1;
}

static void script_close(struct source *source)
{
	struct script *s = (struct script *)source;
	array_free(&s->events);
	map_deinit(&s->running);
	schema_destroy(s->schema);
	free(s);
}

int script_open(struct source **ret, const char *text, struct err *e)
{
	struct script *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ENOMEM, "no memory for a script");
	s->source = (struct source){script_next, script_close};
	int code = schema_create(&s->schema, e);
	if (!code)
		code = script_parse(s, text, e);
	if (code)
		script_close(&s->source);
	else
		*ret = &s->source;
	return code;
}

const struct schema *script_schema(const struct source *source)
{
	return ((const struct script *)source)->schema;
}

void script_rewind(struct source *source)
{
	((struct script *)source)->next = 0;
}
