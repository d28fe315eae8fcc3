/* SPDX-License-Identifier: MIT */
/*
 * What threads waited for: their sleeps, grouped by thread, place, system call and what ended
 * them. Each group keeps its longest sleep whole. Memory is bounded by WAIT_GROUPS_MAX; sleeps
 * beyond it are counted, not kept.
 */
#ifndef CAIRN_ANALYSIS_WAITS_H
#define CAIRN_ANALYSIS_WAITS_H

#include "analysis/thread_state.h"

enum { WAIT_GROUPS_MAX = 1 << 16 };

struct wait_group {
	struct thread *thread;
	uint32_t site;
	int32_t syscall; /* −1 when unknown */
	enum cause_kind cause;
	uint64_t cause_key; /* which of that kind: waker, timer, disk, interrupt */
	bool open;          /* never woken in the recording */
	uint64_t count;
	uint64_t total_ns; /* asleep */
	uint64_t queue_ns; /* then waiting for a cpu */
	struct sleep longest;
};

struct waits {
	struct sites *sites;
	ARRAY(struct wait_group) groups;
	struct map by_key; /* hash → index + 1 */
	uint64_t ungrouped;
};

/* The system call a thread slept in, −1 when unknown. */
int32_t sleep_syscall(const struct sites *sites, const struct sleep *sleep);

static inline uint64_t sleep_ns(const struct sleep *sleep)
{
	return sleep->woken_ns - sleep->from_ns;
}

#endif
