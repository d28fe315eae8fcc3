/* SPDX-License-Identifier: MIT */
/* TSDL's blocks: trace, env, clock, stream, event. */
#include "ctf/ctf_parser.h"
#include "ctf/ctf_text.h"
#include "util/text.h"

#include <stdio.h>
#include <string.h>

enum { TYPES_PER_BYTE = 1, TYPES_AT_LEAST = 1 << 16 };

/* Events wait until all streams are known: their contexts come from there. */
struct pending_event {
	const char *name;
	uint64_t id, stream_id;
	struct type *context, *fields;
};

struct block {
	struct parser *p;
	struct pending_event event;
	struct ctf_class *class;
};

struct blocks {
	struct parser parser;
	ARRAY(struct pending_event) events;
};

/* What a block does with its `name = value;` and `name := type;`. */
typedef int (*block_value)(struct block *b, const struct attribute *a);

struct block_type {
	const char *name;
	const char *scope;
	struct type **place;
};

static int block_assign(struct block *b, const char *name, const struct block_type *types)
{
	struct parser *p = b->p;
	struct type *t = NULL, **place = NULL;
	for (; types->name; types++) {
		if (!strcmp(types->name, name)) {
			place = types->place;
			p->scope = types->scope;
		}
	}
	int code = parser_type(p, false, &t);
	p->scope = NULL;
	if (!code && t->kind != TYPE_STRUCT)
		code = parser_wrong(p, "a structure in front of this");
	if (!code && place)
		*place = t;
	return code ? code : parser_expect(p, ';');
}

/* `NAME { … };` from the '{' on; `types` ends with a NULL name. */
static int parser_block(struct block *b, block_value value, const struct block_type *types)
{
	struct parser *p = b->p;
	size_t outer_names = p->names.count;
	int code = parser_expect(p, '{');
	while (!code && !parser_accept(p, '}')) {
		struct attribute a = {0};
		if (token_named(&p->lex.token, "typealias")) {
			code = parser_typealias(p);
			continue;
		}
		if (token_named(&p->lex.token, "typedef")) {
			code = parser_typedef(p);
			continue;
		}
		code = parser_attribute_name(p, &a);
		if (!code && parser_accept(p, SYMBOL_ASSIGN)) {
			code = block_assign(b, a.name, types);
			continue;
		}
		if (!code)
			code = parser_expect(p, '=');
		if (!code)
			code = parser_attribute_value(p, &a);
		if (!code)
			code = value(b, &a);
	}
	p->names.count = outer_names;
	return code ? code : parser_expect(p, ';');
}

static bool uuid_parse(const char *text, uint8_t uuid[16])
{
	unsigned count = 0;
	for (; *text && count < 16; text += 2) {
		text += *text == '-';
		unsigned value;
		if (sscanf(text, "%2x", &value) != 1 || !text[0] || !text[1])
			return false;
		uuid[count++] = (uint8_t)value;
	}
	return count == 16 && !*text;
}

static int trace_value(struct block *b, const struct attribute *a)
{
	struct ctf_metadata *m = b->p->metadata;
	if (!strcmp(a->name, "uuid"))
		m->has_uuid = uuid_parse(a->text, m->uuid);
	if (!strcmp(a->name, "major") && a->number != 1)
		return parser_wrong(b->p, "CTF version 1 in front of this");
	return 0;
}

static int env_value(struct block *b, const struct attribute *a)
{
	const char *name = schema_string(b->p->schema, a->name);
	struct ctf_env env = {name, a->text, a->kind == TOKEN_TEXT};
	return !name || array_push(&b->p->metadata->env, env) ? parser_no_memory(b->p) : 0;
}

static int clock_value(struct block *b, const struct attribute *a)
{
	struct ctf_clock *c = &b->p->metadata->clock;
	if (!strcmp(a->name, "name"))
		c->name = a->text;
	else if (!strcmp(a->name, "uuid"))
		c->uuid = a->text;
	else if (!strcmp(a->name, "freq") && a->number > 0)
		c->freq_hz = (uint64_t)a->number;
	else if (!strcmp(a->name, "offset_s"))
		c->offset_s = a->number;
	else if (!strcmp(a->name, "offset"))
		c->offset_cycles = a->number;
	return 0;
}

static int stream_value(struct block *b, const struct attribute *a)
{
	if (!strcmp(a->name, "id"))
		b->class->id = (uint64_t)a->number;
	return 0;
}

static int event_value(struct block *b, const struct attribute *a)
{
	if (!strcmp(a->name, "name"))
		b->event.name = a->text;
	else if (!strcmp(a->name, "id"))
		b->event.id = (uint64_t)a->number;
	else if (!strcmp(a->name, "stream_id"))
		b->event.stream_id = (uint64_t)a->number;
	return 0;
}

static int no_value(struct block *b, const struct attribute *a)
{
	(void)b;
	(void)a;
	return 0;
}

static int class_create(struct parser *p, struct ctf_class **ret)
{
	struct ctf_class *class = schema_alloc(p->schema, sizeof(*class));
	if (!class || array_push(&p->metadata->classes, class))
		return parser_no_memory(p);
	*ret = class;
	return 0;
}

static int parse_stream(struct blocks *all, struct block *b)
{
	int code = class_create(&all->parser, &b->class);
	if (code)
		return code;
	struct ctf_class *class = b->class;
	const struct block_type types[] = {
		{"packet.context", "stream.packet.context.", &class->packet_context},
		{"event.header", "stream.event.header.", &class->event_header},
		{"event.context", "stream.event.context.", &class->event_context},
		{NULL, NULL, NULL},
	};
	code = parser_block(b, stream_value, types);
	if (code)
		all->parser.metadata->classes.count--;
	else if (ctf_class_find(all->parser.metadata, class->id) != class)
		code = parser_wrong(&all->parser, "another id for the stream in front of this");
	return code;
}

static int parse_event(struct blocks *all, struct block *b)
{
	const struct block_type types[] = {
		{"fields", "event.fields.", &b->event.fields},
		{"context", "event.context.", &b->event.context},
		{NULL, NULL, NULL},
	};
	int code = parser_block(b, event_value, types);
	if (!code && !b->event.name)
		code = parser_wrong(&all->parser, "a name for the event in front of this");
	if (!code && array_push(&all->events, b->event))
		code = parser_no_memory(&all->parser);
	return code;
}

static int parse_clock(struct blocks *all, struct block *b)
{
	static const struct block_type none[] = {{NULL, NULL, NULL}};
	struct ctf_metadata *m = all->parser.metadata;
	struct ctf_clock before = m->clock;
	m->clock = (struct ctf_clock){.freq_hz = 1000000000};
	int code = parser_block(b, clock_value, none);
	/* Integers are mapped to clocks declared before them: the first one mapped to stays. */
	const char *mapped = all->parser.mapped_clock;
	if (code || (before.name && mapped && !strcmp(before.name, mapped)))
		m->clock = before;
	return code;
}

static int parse_block(struct blocks *all)
{
	static const struct block_type none[] = {{NULL, NULL, NULL}};
	struct parser *p = &all->parser;
	struct block b = {.p = p};
	const struct block_type trace[] = {
		{"packet.header", "trace.packet.header.", &p->metadata->packet_header},
		{NULL, NULL, NULL},
	};
	const struct token name = p->lex.token;
	if (token_named(&name, "typealias"))
		return parser_typealias(p);
	if (token_named(&name, "typedef"))
		return parser_typedef(p);
	if (token_named(&name, "struct") || token_named(&name, "enum") ||
	    token_named(&name, "variant")) {
		struct type *t;
		int code = parser_type(p, false, &t);
		return code ? code : parser_expect(p, ';');
	}
	lexer_next(&p->lex);
	if (token_named(&name, "trace"))
		return parser_block(&b, trace_value, trace);
	if (token_named(&name, "env"))
		return parser_block(&b, env_value, none);
	if (token_named(&name, "clock"))
		return parse_clock(all, &b);
	if (token_named(&name, "stream"))
		return parse_stream(all, &b);
	if (token_named(&name, "event"))
		return parse_event(all, &b);
	if (token_named(&name, "callsite"))
		return parser_block(&b, no_value, none);
	return err_set(p->e, EINVAL, "%u:%u: there is no declaration '%.*s' in TSDL", name.line,
		       name.column, name.bytes > 40 ? 40 : (int)name.bytes, name.start);
}

static int add_event(struct blocks *all, const struct pending_event *event)
{
	struct parser *p = &all->parser;
	struct ctf_class *class = ctf_class_find(p->metadata, event->stream_id);
	int code = 0;
	if (!class) {
		code = class_create(p, &class);
		if (code)
			return code;
		class->id = event->stream_id;
	}
	struct type *context = class->event_context ? class->event_context : event->context;
	if (class->event_context && event->context) {
		context = type_struct(p->schema, 2);
		type_set_field(context, 0, "stream", class->event_context);
		type_set_field(context, 1, "event", event->context);
		if (!context)
			return parser_no_memory(p);
	}
	uint64_t *place = map_put(&class->events, event->id);
	if (!place)
		return parser_no_memory(p);
	if (*place)
		return err_set(p->e, EINVAL, "event %s: stream %llu has its id %llu twice",
			       event->name, (unsigned long long)class->id,
			       (unsigned long long)event->id);
	struct event_type *type = NULL;
	code = schema_add(p->schema, (uint32_t) class->id, event->id, event->name, context,
			  event->fields, &type, p->e);
	*place = (uintptr_t)type;
	return code;
}

/* What the reader tells of losses, as an event like the others. */
static int add_lost(struct parser *p)
{
	static const char *const names[] = {"count", "begin", "packets"};
	struct type *payload = type_struct(p->schema, 3);
	struct event_type *type;
	for (uint32_t i = 0; payload && i < 3; i++)
		type_set_field(payload, i, names[i], type_integer(p->schema, 64, false, 10));
	if (!payload)
		return parser_no_memory(p);
	int code = schema_add(p->schema, UINT32_MAX, UINT64_MAX, "lost_events", NULL, payload,
			      &type, p->e);
	if (!code)
		p->metadata->lost = type;
	return code;
}

static int layout_headers(struct parser *p)
{
	struct ctf_metadata *m = p->metadata;
	if (m->packet_header && type_layout(m->packet_header, p->e))
		return err_add(p->e, "packet.header");
	array_each(class, &m->classes) {
		struct ctf_class *c = *class;
		if ((c->packet_context && type_layout(c->packet_context, p->e)) ||
		    (c->event_header && type_layout(c->event_header, p->e)))
			return err_add(p->e, "stream %llu", (unsigned long long)c->id);
	}
	return 0;
}

/* `byte_order` of the trace block: integers declared before it depend on it. */
static bool prescan_big_endian(const char *text, size_t bytes)
{
	struct lexer l;
	bool in_trace = false;
	for (lexer_init(&l, text, bytes); l.token.kind != TOKEN_END; lexer_next(&l)) {
		if (l.token.kind == TOKEN_WRONG)
			break;
		if (token_named(&l.token, "trace") && token_is(&l.ahead, '{'))
			in_trace = true;
		if (!in_trace || !token_named(&l.token, "byte_order") || !token_is(&l.ahead, '='))
			continue;
		lexer_next(&l);
		return token_named(&l.ahead, "be") || token_named(&l.ahead, "network");
	}
	return false;
}

static int parse_all(struct blocks *all, const char *text, size_t bytes)
{
	struct parser *p = &all->parser;
	struct ctf_metadata *m = p->metadata;
	m->big_endian = prescan_big_endian(text, bytes);
	lexer_init(&p->lex, text, bytes);
	int code = 0;
	if (p->lex.token.kind == TOKEN_END)
		code = parser_wrong(p, "declarations");
	while (!code && p->lex.token.kind != TOKEN_END) {
		if (!parser_accept(p, ';'))
			code = parse_block(all);
	}
	if (code == -EINVAL && p->lex.token.kind == TOKEN_END && all->events.count) {
		/* Cut short while it was written: what is whole is of use. */
		if (asprintf(&m->warning,
			     "the metadata stops short at line %u: what came before is used",
			     p->lex.token.line) < 0)
			m->warning = NULL;
		code = 0;
	}
	if (!code)
		code = layout_headers(p);
	for (size_t i = 0; !code && i < all->events.count; i++)
		code = add_event(all, &all->events.items[i]);
	return code ? code : add_lost(p);
}

static int parse_text(struct ctf_metadata *m, const char *text, size_t bytes, struct err *e)
{
	struct blocks all = {
		.parser =
			{
				.metadata = m,
				.schema = m->schema,
				.e = e,
				.budget = TYPES_AT_LEAST + bytes * TYPES_PER_BYTE,
			},
	};
	int code = parse_all(&all, text, bytes);
	array_free(&all.events);
	array_free(&all.parser.names);
	return code;
}

int ctf_parse(struct ctf_metadata **ret, const void *data, size_t bytes, struct err *e)
{
	struct text text = {0};
	struct ctf_metadata *m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(e, ENOMEM, "no memory for the metadata");
	m->clock.freq_hz = 1000000000;
	int code = schema_create(&m->schema, e);
	if (!code)
		code = ctf_text_unpack(&text, data, bytes, e);
	if (!code)
		code = parse_text(m, text.data, text.bytes, e);
	text_deinit(&text);
	if (code)
		ctf_metadata_destroy(m);
	else
		*ret = m;
	return code;
}
