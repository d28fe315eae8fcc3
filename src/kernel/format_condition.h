/* SPDX-License-Identifier: MIT */
#ifndef CAIRN_KERNEL_FORMAT_CONDITION_H
#define CAIRN_KERNEL_FORMAT_CONDITION_H

#include "filter/condition.h"
#include "kernel/format.h"

/* A condition on the fields of a tracepoint. */
int format_condition(struct condition **ret, const struct format *f, const char *text,
		     struct err *e);

#endif
