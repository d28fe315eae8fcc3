/* SPDX-License-Identifier: MIT */
/*
 * Which process a thread belongs to, and whether that is one the recording is about.
 *
 * Learnt from births as they are recorded and, for threads older than the recording, from /proc
 * when they are first met. Births must be learnt before the events they precede.
 */
#ifndef CAIRN_KERNEL_TARGETS_H
#define CAIRN_KERNEL_TARGETS_H

#include "util/map.h"

#include <stdint.h>
#include <sys/types.h>

struct targets {
	struct map tgids;  /* 0: it was gone already when somebody asked */
	struct map chosen; /* processes */
	struct map clones; /* flags of a new thread whose birth is still to come */
};

int targets_init(struct targets *t, const pid_t *targets, size_t count);
void targets_deinit(struct targets *t);

/* What is said of a thread in front of its birth: the flags of clone(). */
void targets_announce(struct targets *t, int32_t child_tid, uint64_t clone_flags);

/* Tells the processes of both; a target's children are targets. */
void targets_born(struct targets *t, int32_t parent_tid, int32_t child_tid, int32_t *parent_pid_ret,
		  int32_t *child_pid_ret);

void targets_set(struct targets *t, int32_t tid, int32_t tgid);

/* 0 for a thread that was gone before anything was heard of it. */
int32_t targets_tgid(struct targets *t, int32_t tid);

bool targets_is_target(struct targets *t, int32_t tid);

#endif
