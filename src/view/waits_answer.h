/* SPDX-License-Identifier: MIT */
/* What the waits views share: the tree for a question. */
#ifndef CAIRN_VIEW_WAITS_ANSWER_H
#define CAIRN_VIEW_WAITS_ANSWER_H

#include "analysis/blame.h"
#include "view/scene.h"
#include "view/waits_view.h"

struct waits_answer {
	struct scene scene;
	const struct history *history;
	struct tallies tallies; /* sorted */
	uint64_t idle_ns;       /* of all threads: left out */
};

void waits_answer_init(struct waits_answer *a, const struct story *story,
		       const struct view_options *options, const struct waits_question *q);
void waits_answer_deinit(struct waits_answer *a);

static inline bool waits_answer_failed(const struct waits_answer *a)
{
	return a->scene.failed || a->tallies.failed;
}

#endif
