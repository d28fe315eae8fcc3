/* SPDX-License-Identifier: MIT */
/*
 * Fewer rows for a table that is exact only where a question can come from.
 *
 * Addresses in a backtrace are those that calls return to, of a fault those of instructions that
 * touch memory. Where lies the border between two such places does not matter: it is put where it
 * costs the fewest bits.
 */
#ifndef CAIRN_LINEINFO_LINE_PROFILE_H
#define CAIRN_LINEINFO_LINE_PROFILE_H

#include "lineinfo/line_plan.h"

/* Thins the rows of the region, which are the plan's last and in the object's addresses. */
int line_profile_apply(struct line_plan *p, struct line_region *region, struct line_object *object,
		       const struct line_section *section);

#endif
