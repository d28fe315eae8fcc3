/* SPDX-License-Identifier: MIT */
/*
 * Several sources as one, in time order; of equal times, the earlier source's event comes first.
 *
 * Events are taken from one source for as long as it is the earliest: most steps compare one
 * number and move nothing.
 */
#ifndef CAIRN_EVENT_MERGE_H
#define CAIRN_EVENT_MERGE_H

#include "event/source.h"

/*
 * The merge owns the sources from here on, also when it fails. A source's error ends the merge.
 */
int merge_open(struct source **ret, struct source *const *sources, size_t count, struct err *e);

#endif
