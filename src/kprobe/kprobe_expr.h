/* SPDX-License-Identifier: MIT */
/* One expression of kprobe_fetch.h. */
#ifndef CAIRN_KPROBE_KPROBE_EXPR_H
#define CAIRN_KPROBE_KPROBE_EXPR_H

#include "kprobe/kprobe_fetch.h"

/* Appends "FETCH:TYPE". The sentence says what of the expression cannot be read, and why. */
int kprobe_expr_fetch(const struct kprobe_spec *spec, const struct kprobe_types_of *types,
		      const char *text, struct text *fetch, struct err *e);

#endif
