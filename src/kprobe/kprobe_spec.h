/* SPDX-License-Identifier: MIT */
/*
 * A probe that the kernel places, as a person types it:
 *
 *	KIND:PLACE [if CONDITION] [: [NAME =] EXPRESSION, …]
 *
 *	kprobe:FUNC[+OFFSET]        a function of the kernel, entered, or a place in it
 *	kretprobe:FUNC              its returns
 *	fentry:FUNC  fexit:FUNC     the same, as BPF tools call them
 *	uprobe:FILE:FUNC[+OFFSET]   a function of a program or library, wherever it runs
 *	uretprobe:FILE:FUNC
 *
 * The place ends at a blank, or at a colon with a blank behind it. The condition, which is one on
 * the values by their names (filter/condition.h), may also stand at the end.
 */
#ifndef CAIRN_KPROBE_KPROBE_SPEC_H
#define CAIRN_KPROBE_KPROBE_SPEC_H

#include "util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KPROBE_VALUES_MAX = 32 };

struct kprobe_value {
	const char *name; /* NULL: the expression gives it */
	const char *text; /* kprobe_fetch.h */
};

struct kprobe_spec {
	const char *called; /* "kprobe:vfs_read": kind and place as typed */
	bool is_user, is_return, is_trampoline;
	const char *file; /* of a program; else NULL */
	const char *function;
	uint64_t offset;
	const char *condition; /* NULL without one */
	struct kprobe_value values[KPROBE_VALUES_MAX];
	size_t value_count;         /* 0: whatever is known of the function */
	char *title, *place, *rest; /* hold the strings */
};

/* Whether the text begins as one; "kprobes:x" does not. */
bool kprobe_spec_is(const char *text);

int kprobe_spec_parse(struct kprobe_spec *ret, const char *text, struct err *e);
void kprobe_spec_deinit(struct kprobe_spec *s);

#endif
