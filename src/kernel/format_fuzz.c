/* SPDX-License-Identifier: MIT */
/* Any bytes as a format file; what is accepted must describe a record within its bounds. */
#include "kernel/format.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_field(const struct format *f, size_t i)
{
	const struct format_field *field = &f->fields[i];
	static const uint8_t record[64] = {0xff, 0xff, [32] = 4, 0, 0xff, 0xff};
	size_t bytes = 0;
	format_uint(field, record, sizeof(record));
	const uint8_t *data = format_bytes(field, record, sizeof(record), &bytes);
	bool is_inside = !data || (data >= record && data + bytes <= record + sizeof(record));
	bool is_after = i == 0 || field->offset >= field[-1].offset + field[-1].size;
	if (!is_inside || !is_after || field->element_bytes == 0 || !*field->name ||
	    field->offset + (size_t)field->size > f->fixed_bytes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct format f;
	struct err e;
	if (format_parse(&f, "fuzz", (const char *)data, size, &e) == 0) {
		for (size_t i = 0; i < f.field_count; i++)
			check_field(&f, i);
		format_find(&f, "x");
		format_deinit(&f);
	}
	return 0;
}
