/* SPDX-License-Identifier: MIT */
/* All waits by what they were spent in: system calls, locks, files, peers. */
#ifndef CAIRN_VIEW_WAITS_GROUPS_H
#define CAIRN_VIEW_WAITS_GROUPS_H

#include "view/waits_answer.h"

struct waits_group {
	char *name;
	uint64_t total_ns, count, longest_ns;
	uint64_t most_ns;         /* of `most` */
	const struct tally *most; /* the wait with most of it */
};

struct waits_groups {
	ARRAY(struct waits_group) rows; /* most time first */
	struct map by_name;
	uint64_t total_ns;
	bool failed; /* no memory */
};

void waits_groups_init(struct waits_groups *g, const struct waits_answer *a, enum waits_by by);
void waits_groups_deinit(struct waits_groups *g);

#endif
