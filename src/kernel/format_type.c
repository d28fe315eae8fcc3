/* SPDX-License-Identifier: MIT */
/* A tracepoint's format as an event type of the trace: the layout that format.h lays down. */
#include "kernel/format.h"

#include "kernel/recorder_abi.h"

#include <stdio.h>

/* The structure under construction; `at` is where the next field would begin, in bytes. */
struct builder {
	struct schema *schema;
	struct type *payload;
	uint32_t count;
	uint32_t at;
	bool failed;
};

/* One field more; an alignment that its place does not have is not claimed. */
static void add(struct builder *b, const char *name, struct type *type, uint32_t bytes)
{
	name = schema_string(b->schema, name);
	if (!name || !type) {
		b->failed = true;
		return;
	}
	type_set_field(b->payload, b->count++, name, type);
	b->at += bytes;
}

static struct type *integer(struct builder *b, unsigned bytes, bool is_signed, unsigned base,
			    uint32_t align_bytes)
{
	struct type *type = type_integer(b->schema, 8 * bytes, is_signed, base);
	if (type)
		type->align_bits = 8 * align_bytes;
	else
		b->failed = true;
	return type;
}

static void add_padding(struct builder *b, uint32_t offset)
{
	if (offset <= b->at)
		return;
	char name[24];
	snprintf(name, sizeof(name), "_pad%u", b->at);
	uint32_t bytes = offset - b->at;
	struct type *byte = integer(b, 1, false, 16, 1);
	add(b, name, byte ? type_array(b->schema, byte, bytes) : NULL, bytes);
}

/* A dynamic field's word: nothing, and the number of its elements. */
static void add_word(struct builder *b, const struct format_field *field, uint32_t align)
{
	char name[160];
	snprintf(name, sizeof(name), "_%.140s_at", field->name);
	add(b, name, integer(b, 2, false, 16, align), 2);
	snprintf(name, sizeof(name), "_%.140s_length", field->name);
	add(b, name, integer(b, 2, false, 10, 1), 2);
}

static struct type *fixed_type(struct builder *b, const struct format_field *field, uint32_t align)
{
	unsigned base = field->kind == FORMAT_POINTER ? 16 : 10;
	if (field->kind == FORMAT_TEXT)
		return type_text(b->schema, field->size);
	struct type *type = integer(b, field->element_bytes, field->is_signed, base, align);
	if (field->kind == FORMAT_ARRAY && type)
		type = type_array(b->schema, type, field->size / field->element_bytes);
	return type;
}

/* The least alignment that leads from `at` to the field's place, 0 when none does. */
static uint32_t align_to(const struct format_field *field, uint32_t at, uint32_t offset)
{
	/* An array's alignment is that of each element. */
	bool is_array = field->kind == FORMAT_TEXT || field->kind == FORMAT_ARRAY;
	uint32_t most = is_array ? field->element_bytes : 8;
	for (uint32_t align = 1; align <= most; align *= 2)
		if ((at + align - 1) / align * align == offset)
			return align;
	return 0;
}

static void add_fixed(struct builder *b, const struct format_field *field)
{
	uint32_t offset = field->offset - FORMAT_COMMON_BYTES;
	uint32_t align = align_to(field, b->at, offset);
	if (!align) {
		add_padding(b, offset);
		align = 1;
	}
	b->at = offset;
	if (format_is_dynamic(field))
		add_word(b, field, align);
	else
		add(b, field->name, fixed_type(b, field, align), field->size);
}

static void add_dynamic(struct builder *b, const struct format_field *field)
{
	char length[160];
	snprintf(length, sizeof(length), "_%.140s_length", field->name);
	const char *kept = schema_string(b->schema, length);
	struct type *element = integer(b, field->element_bytes, field->is_signed, 10, 1);
	if (!kept || !element) {
		b->failed = true;
		return;
	}
	element->integer.is_text = field->kind == FORMAT_DYNAMIC_TEXT;
	add(b, field->name, type_sequence(b->schema, element, kept), 0);
}

int format_add_type(struct schema *s, uint32_t stream_id, uint64_t id, const char *name,
		    const struct format *f, struct err *e)
{
	/* Each field can bring its padding, its word and its elements. */
	struct builder b = {.schema = s};
	b.payload = type_struct(s, (uint32_t)f->field_count * 4 + 1);
	if (!b.payload)
		return err_set(e, ENOMEM, "no memory for the type of %s", name);
	for (size_t i = 0; i < f->field_count && !b.failed; i++)
		add_fixed(&b, &f->fields[i]);
	for (size_t i = 0; i < f->field_count && !b.failed; i++)
		if (format_is_dynamic(&f->fields[i]))
			add_dynamic(&b, &f->fields[i]);
	if (b.failed)
		return err_set(e, ENOMEM, "no memory for the type of %s", name);
	b.payload->structure.field_count = b.count;
	struct event_type *added;
	return schema_add(s, stream_id, id, name, NULL, b.payload, &added, e);
}
