/* SPDX-License-Identifier: MIT */
/*
 * Who there was: threads, their processes, names, command lines, and whether the user asked for
 * them. A thread id used again after an exit is another thread.
 */
#ifndef CAIRN_ANALYSIS_THREADS_H
#define CAIRN_ANALYSIS_THREADS_H

#include "analysis/analysis.h"
#include "util/array.h"
#include "util/map.h"

enum { THREAD_COMM_BYTES = 16 };

struct process {
	int32_t pid;
	int32_t parent_pid; /* 0 when unknown */
	struct process *parent;
	char *args;  /* command line, NULL when unknown */
	bool asked;  /* named by the user */
	bool target; /* that, or a descendant of one */
};

struct thread {
	uint32_t index; /* dense: for tables by thread */
	int32_t tid;
	struct process *process; /* NULL when nothing told */
	uint64_t born_ns;        /* 0: before the recording */
	uint64_t died_ns;        /* 0: after it */
	bool kernel;
	char comm[THREAD_COMM_BYTES + 1]; /* the latest name, "" when unknown */
};

struct threads {
	ARRAY(struct thread *) all;
	ARRAY(struct process *) processes;
	struct map by_tid, by_pid; /* of the living */
	bool has_targets;
};

/* The thread that has this id now, made when it is new; NULL for idle, no id, or no memory. */
struct thread *threads_get(struct threads *t, int32_t tid);
struct thread *threads_find(const struct threads *t, int32_t tid);
struct process *threads_process(struct threads *t, int32_t pid);

/* A thread was seen to belong to a process (its user stack tells, say). */
int threads_join(struct threads *t, struct thread *thread, int32_t pid);

static inline int32_t thread_pid(const struct thread *thread)
{
	return thread->process ? thread->process->pid : 0;
}

static inline bool thread_is_target(const struct thread *thread)
{
	return thread->process && thread->process->target;
}

#endif
