/* SPDX-License-Identifier: MIT */
/*
 * The answers of `cairn waits`: where a thread's interval went, or whom all waits were for.
 * The story must have analysis_history and all others in it.
 */
#ifndef CAIRN_VIEW_WAITS_VIEW_H
#define CAIRN_VIEW_WAITS_VIEW_H

#include "view/view.h"

struct thread;

/* Of all threads: who is to blame in the end, or what the waits themselves were spent in. */
enum waits_by { WAITS_BY_BLAME, WAITS_BY_SYSCALL, WAITS_BY_LOCK, WAITS_BY_FILE, WAITS_BY_PEER };

struct waits_question {
	struct thread *thread; /* NULL: all that are shown */
	uint64_t from_ns, to_ns;
	const char *interval; /* why just this one, as a sentence; NULL: the whole recording */
	enum waits_by by;
	bool idle; /* of all threads: look into idle waits too */
};

struct waits_view {
	const char *name;
	/* Adds to `out`; running out of memory shows in out->failed. */
	void (*print)(const struct story *story, const struct view_options *options,
		      const struct waits_question *question, struct text *out);
};

extern const struct waits_view waits_text, waits_json, waits_folded;

#endif
