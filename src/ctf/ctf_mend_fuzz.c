/* SPDX-License-Identifier: MIT */
/* Any bytes as a stream file: what mending leaves needs no mending. */
#include "ctf/ctf_mend.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t uuid[16] = "uuid of a stream";
static struct schema *schema; /* kept: `layout` points into it */
static struct ctf_layout *layout;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void make_layout(void)
{
	if (schema_create(&schema, NULL))
		abort();
	struct schema *s = schema;
	struct type *number = type_struct(s, 1);
	struct type *words = type_struct(s, 3);
	type_set_field(number, 0, "n", type_integer(s, 32, false, 10));
	type_set_field(words, 0, "s", type_string(s));
	type_set_field(words, 1, "n", type_integer(s, 8, false, 10));
	type_set_field(words, 2, "w", type_sequence(s, type_integer(s, 64, false, 16), "n"));
	if (schema_add(s, 0, 1, "number", NULL, number, NULL, NULL) ||
	    schema_add(s, 0, 2, "words", NULL, words, NULL, NULL) ||
	    ctf_layout_create(&layout, s, NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct ctf_mend plan, again;
	if (!layout)
		make_layout();
	uint8_t *copy = malloc(bytes + 1);
	if (!copy || ctf_mend_plan(&plan, uuid, layout, data, bytes, NULL))
		abort();
	if (bytes)
		memcpy(copy, data, bytes);
	for (size_t i = 0; i < plan.patches.count; i++)
		memcpy(copy + plan.patches.items[i].at, &plan.patches.items[i].header,
		       sizeof(struct ring_packet));
	size_t left = plan.end - plan.front_bytes;
	if (ctf_mend_plan(&again, uuid, layout, copy + plan.front_bytes, left, NULL) ||
	    ctf_mend_needed(&again, left) || again.packets != plan.packets + plan.salvaged)
		abort();
	ctf_mend_deinit(&again);
	ctf_mend_deinit(&plan);
	free(copy);
	return 0;
}
