/* SPDX-License-Identifier: MIT */
#include "ctf/ctf_describe.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum { NESTING_MAX = 16 };

struct describer {
	struct text *out;
	const char *event; /* whose fields are being described, for error sentences */
	unsigned depth;
	struct err *e;
};

static void print_quoted(struct text *out, const char *string)
{
	text_append(out, "\"", 1);
	for (const unsigned char *p = (const unsigned char *)string; *p; p++) {
		if (*p == '"' || *p == '\\')
			text_print(out, "\\%c", *p);
		else if (*p == '\n')
			text_append(out, "\\n", 2);
		else if (*p < ' ' || *p == 0x7f)
			text_print(out, "\\%03o", *p);
		else
			text_append(out, p, 1);
	}
	text_append(out, "\"", 1);
}

static void print_uuid(struct text *out, const uint8_t uuid[16])
{
	text_append(out, "\"", 1);
	for (unsigned i = 0; i < 16; i++)
		text_print(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			   uuid[i]);
	text_append(out, "\"", 1);
}

static bool is_identifier(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return *name == 0;
}

static void print_indent(struct describer *d)
{
	text_append(d->out, "\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t", d->depth + 1);
}

static void print_integer(struct describer *d, const struct type *type)
{
	static const char *const bases[] = {[2] = "2", [8] = "8", [10] = "10", [16] = "16"};
	unsigned base = type->integer.base;
	const char *known = base < sizeof(bases) / sizeof(*bases) ? bases[base] : NULL;
	text_print(d->out, "integer { size = %u; align = %u; signed = %s; base = %s;%s%s }",
		   type->integer.bits, type->align_bits ? type->align_bits : 1,
		   type->integer.is_signed ? "true" : "false", known ? known : "10",
		   type->integer.is_text ? " encoding = UTF8;" : "",
		   type->integer.big_endian ? " byte_order = be;" : "");
}

static void print_labels(struct describer *d, const struct type *type)
{
	text_print(d->out, "enum : ");
	print_integer(d, type);
	text_print(d->out, " {");
	for (uint32_t i = 0; i < type->integer.label_count; i++) {
		const struct type_label *label = &type->integer.labels[i];
		text_print(d->out, "%s ", i ? "," : "");
		print_quoted(d->out, label->name);
		text_print(d->out, " = %" PRId64, label->first);
		if (label->last != label->first)
			text_print(d->out, " ... %" PRId64, label->last);
	}
	text_print(d->out, " }");
}

static void print_real(struct describer *d, const struct type *type)
{
	bool is_double = type->real.bits == 64;
	text_print(d->out, "floating_point { exp_dig = %d; mant_dig = %d; align = %u;%s }",
		   is_double ? 11 : 8, is_double ? 53 : 24, type->align_bits ? type->align_bits : 1,
		   type->real.big_endian ? " byte_order = be;" : "");
}

static int print_fields(struct describer *d, const struct type *structure);

/* A reference to an earlier field: each step of the path has its underscore. */
static void print_path(struct describer *d, const char *path)
{
	while (*path) {
		size_t bytes = strcspn(path, ".");
		text_print(d->out, "_%.*s", (int)bytes, path);
		path += bytes;
		if (*path == '.')
			text_append(d->out, path++, 1);
	}
}

/* Everything of a type that stands before the field's name. */
static int print_type(struct describer *d, const struct type *type)
{
	switch (type->kind) {
	case TYPE_INTEGER:
		if (type->integer.label_count)
			print_labels(d, type);
		else
			print_integer(d, type);
		return 0;
	case TYPE_REAL:
		print_real(d, type);
		return 0;
	case TYPE_STRING:
		text_print(d->out, "string { encoding = UTF8; }");
		return 0;
	case TYPE_ARRAY:
	case TYPE_SEQUENCE:
		return print_type(d, type->array.element);
	case TYPE_STRUCT:
		text_print(d->out, "struct ");
		return print_fields(d, type);
	case TYPE_VARIANT:
		text_print(d->out, "variant <");
		print_path(d, type->structure.tag);
		text_print(d->out, "> ");
		return print_fields(d, type);
	}
	return err_set(d->e, EINVAL, "event %s has a field of an unknown kind", d->event);
}

/* …and what stands behind it: the outermost dimension first, as in C. */
static void print_dimensions(struct describer *d, const struct type *type)
{
	for (; type->kind == TYPE_ARRAY || type->kind == TYPE_SEQUENCE;
	     type = type->array.element) {
		if (type->kind == TYPE_ARRAY) {
			text_print(d->out, "[%" PRIu32 "]", type->array.count);
		} else {
			text_print(d->out, "[");
			print_path(d, type->array.length);
			text_print(d->out, "]");
		}
	}
}

static int print_fields(struct describer *d, const struct type *structure)
{
	if (d->depth >= NESTING_MAX)
		return err_set(d->e, EINVAL, "the fields of event %s are nested too deeply",
			       d->event);
	text_print(d->out, "{\n");
	d->depth++;
	for (uint32_t i = 0; i < structure->structure.field_count; i++) {
		const struct field *field = &structure->structure.fields[i];
		if (!field->name || !field->type || !is_identifier(field->name))
			return err_set(d->e, EINVAL,
				       "event %s has a field called '%s', which is no name",
				       d->event, field->name ? field->name : "");
		print_indent(d);
		int r = print_type(d, field->type);
		if (r)
			return r;
		text_print(d->out, " _%s", field->name);
		print_dimensions(d, field->type);
		text_print(d->out, ";\n");
	}
	d->depth--;
	print_indent(d);
	text_print(d->out, "}");
	if (structure->kind == TYPE_STRUCT && structure->align_bits > 1)
		text_print(d->out, " align(%u)", structure->align_bits);
	return 0;
}

static void print_trace(struct text *out, const struct ctf_trace *trace)
{
	text_print(out,
		   "/* CTF 1.8 */\n\n"
		   "typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"
		   "typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"
		   "typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n\n"
		   "trace {\n\tmajor = 1;\n\tminor = 8;\n\tuuid = ");
	print_uuid(out, trace->uuid);
	text_print(out, ";\n\tbyte_order = le;\n"
			"\tpacket.header := struct {\n"
			"\t\tuint32_t magic;\n\t\tuint8_t uuid[16];\n\t\tuint32_t stream_id;\n"
			"\t};\n};\n\n");
}

static int print_facts(struct text *out, const struct ctf_trace *trace, struct err *e)
{
	text_print(out, "env {\n");
	for (size_t i = 0; i < trace->fact_count; i++) {
		const struct ctf_fact *fact = &trace->facts[i];
		if (!is_identifier(fact->name))
			return err_set(e, EINVAL, "a trace cannot keep a fact called '%s'",
				       fact->name);
		text_print(out, "\t%s = ", fact->name);
		if (fact->text)
			print_quoted(out, fact->text);
		else
			text_print(out, "%" PRId64, fact->number);
		text_print(out, ";\n");
	}
	text_print(out, "};\n\n");
	return 0;
}

static void print_clock(struct text *out, const struct ctf_trace *trace)
{
	text_print(out, "clock {\n\tname = %s;\n\tuuid = ", trace->clock.name);
	print_uuid(out, trace->clock.uuid);
	if (trace->clock.description) {
		text_print(out, ";\n\tdescription = ");
		print_quoted(out, trace->clock.description);
	}
	text_print(out,
		   ";\n\tfreq = 1000000000;\n\tprecision = %" PRIu64 ";\n\toffset_s = %" PRIu64
		   ";\n\toffset = %" PRIu64 ";\n};\n\n",
		   trace->clock.error_ns, trace->clock.offset_ns / 1000000000,
		   trace->clock.offset_ns % 1000000000);
	text_print(out,
		   "typealias integer { size = 64; align = 8; signed = false; "
		   "map = clock.%s.value; } := clock_64;\n"
		   "typealias integer { size = 48; align = 8; signed = false; "
		   "map = clock.%s.value; } := clock_48;\n\n",
		   trace->clock.name, trace->clock.name);
}

/* The members of struct ring_packet and the event word, in their order. */
static void print_stream(struct text *out, const struct ctf_stream_class *class)
{
	text_print(out,
		   "stream { /* %s */\n\tid = %" PRIu32 ";\n"
		   "\tpacket.context := struct {\n"
		   "\t\tclock_64 timestamp_begin;\n\t\tclock_64 timestamp_end;\n"
		   "\t\tuint64_t content_size;\n\t\tuint64_t packet_size;\n"
		   "\t\tuint64_t packet_seq_num;\n\t\tuint64_t events_discarded;\n"
		   "\t\tuint32_t %s;\n\t\tuint32_t %s;\n\t};\n",
		   class->name, class->id,
		   class->is_lane   ? "lane_id"
		   : class->per_cpu ? "cpu_id"
				    : "reserved_1",
		   class->per_cpu ? "tid" : "reserved_2");
	text_print(out, "\tevent.header := struct {\n"
			"\t\tinteger { size = 16; align = 8; signed = false; } id;\n"
			"\t\tclock_48 timestamp;\n"
			"\t} align(64);\n};\n\n");
}

static bool has_stream(const struct ctf_trace *trace, uint32_t id)
{
	for (size_t i = 0; i < trace->stream_count; i++) {
		if (trace->streams[i].id == id)
			return true;
	}
	return false;
}

static int print_section(struct describer *d, const char *name, const struct type *structure)
{
	if (!structure)
		return 0;
	text_print(d->out, "\t%s := struct ", name);
	d->depth = 0;
	int r = print_fields(d, structure);
	text_print(d->out, ";\n");
	return r;
}

static int print_event(struct text *out, const struct ctf_trace *trace,
		       const struct event_type *type, struct err *e)
{
	if (!has_stream(trace, type->stream_id))
		return err_set(e, EINVAL,
			       "event %s belongs to stream class %" PRIu32
			       ", which the trace has not",
			       type->name, type->stream_id);
	if (type->id > UINT16_MAX)
		return err_set(e, EINVAL, "event %s has id %" PRIu64 ", which 16 bits do not hold",
			       type->name, type->id);
	struct describer d = {.out = out, .event = type->name, .e = e};
	text_print(out, "event {\n\tname = ");
	print_quoted(out, type->name);
	text_print(out, ";\n\tid = %" PRIu64 ";\n\tstream_id = %" PRIu32 ";\n", type->id,
		   type->stream_id);
	int r = print_section(&d, "context", type->context);
	if (!r)
		r = print_section(&d, "fields", type->payload);
	text_print(out, "};\n\n");
	return r;
}

int ctf_describe(struct text *out, const struct ctf_trace *trace, struct err *e)
{
	if (!is_identifier(trace->clock.name))
		return err_set(e, EINVAL, "a clock cannot be called '%s'", trace->clock.name);
	print_trace(out, trace);
	int r = print_facts(out, trace, e);
	if (r)
		return r;
	print_clock(out, trace);
	for (size_t i = 0; i < trace->stream_count; i++)
		print_stream(out, &trace->streams[i]);
	for (size_t i = 0; i < trace->schema->type_count; i++) {
		r = print_event(out, trace, trace->schema->types[i], e);
		if (r)
			return r;
	}
	text_print(out, CTF_DESCRIBE_END);
	return out->failed ? err_set(e, ENOMEM, "no memory for the trace's metadata") : 0;
}
