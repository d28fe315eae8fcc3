/* SPDX-License-Identifier: MIT */
/* The kernel's functions that a probe can be put at. */
#ifndef CAIRN_KPROBE_KPROBE_LIST_H
#define CAIRN_KPROBE_KPROBE_LIST_H

#include "util/array.h"
#include "util/err.h"
#include "util/text.h"

#include <stdint.h>

struct btf;

struct kprobe_function {
	char *name;
	uint32_t type; /* 0: unknown */
};

struct kprobe_list {
	struct btf *btf; /* NULL when the kernel has no type information */
	ARRAY(struct kprobe_function) functions;
};

/*
 * Those the kernel can trace and whose name matches, by name; where it does not tell which these
 * are, those it has types of.
 */
int kprobe_list_read(struct kprobe_list *ret, const char *tracefs, const char *glob, struct err *e);
void kprobe_list_deinit(struct kprobe_list *l);

/* As C declares it, "" where its type is unknown. */
void kprobe_list_print(const struct kprobe_list *l, const struct kprobe_function *f,
		       struct text *out);

#endif
