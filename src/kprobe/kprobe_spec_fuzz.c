/* SPDX-License-Identifier: MIT */
/* A probe as typed, and its expressions over made-up types. */
#include "kprobe/kprobe_example.h"
#include "kprobe/kprobe_fetch.h"
#include "kprobe/kprobe_types.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct btf *btf;
	struct kprobe_spec s;
	struct text fetch = {0};
	struct err e;
	char *text = strndup((const char *)data, bytes);
	if (!btf)
		btf = kprobe_example();
	if (text && kprobe_spec_parse(&s, text, &e) == 0) {
		if (!*s.function || (s.is_user && !*s.file))
			abort();
		struct kprobe_types_of types = {btf,
						s.is_user ? 0 : kprobe_types_function(btf, "work")};
		/* One event's definition is one line to the kernel. */
		if (kprobe_fetch(&s, &types, &fetch, &e) == 0 && strchr(fetch.data, '\n'))
			abort();
		text_deinit(&fetch);
		kprobe_spec_deinit(&s);
	}
	free(text);
	return 0;
}
