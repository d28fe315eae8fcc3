/* SPDX-License-Identifier: MIT */
/* Which recorder a kernel permits: the highest rung that opens, and why not a higher one. */
#ifndef CAIRN_SESSION_LADDER_H
#define CAIRN_SESSION_LADDER_H

#include "kernel/rung.h"
#include "util/text.h"

/*
 * First removes what a killed cairn left in the kernel.
 * `only` names one rung, or is NULL for the whole ladder. `reasons` gets a line for every rung
 * that refused; the error, when none opens, says them all.
 */
int ladder_open(struct rung **ret, const char *only, const struct plan *plan, struct text *reasons,
		struct err *e);

#endif
