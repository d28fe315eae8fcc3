/* SPDX-License-Identifier: MIT */
/* Any text as a specification: it is refused with a sentence, or is whole. */
#include "probe/probe_spec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = malloc(bytes + 1);
	struct probe_spec *s;
	struct err e = {.text = ""};
	if (!text)
		return 0;
	memcpy(text, data, bytes);
	text[bytes] = 0;
	if (probe_spec_parse(text, &s, &e)) {
		if (!*e.text)
			abort();
	} else {
		for (uint32_t i = 0; i < s->node_count; i++) {
			const struct probe_node *n = &s->nodes[i];
			if (n->op > PROBE_REGISTER && (n->left >= i || n->right > i))
				abort();
		}
		for (unsigned i = 0; i < s->item_count; i++) {
			if (s->items[i].root >= s->node_count || !*s->items[i].name)
				abort();
		}
		probe_spec_destroy(s);
	}
	free(text);
	return 0;
}
