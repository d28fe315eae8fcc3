/* SPDX-License-Identifier: MIT */
#include "analysis/threads.h"

#include <stdlib.h>

enum { KTHREADD_PID = 2 };

struct thread *threads_find(const struct threads *t, int32_t tid)
{
	return map_find_pointer(&t->by_tid, (uint32_t)tid);
}

/* Another thread takes the id over from whoever had it, and must have ended. */
static struct thread *threads_replace(struct threads *t, int32_t tid, uint64_t born_ns)
{
	struct thread *thread = calloc(1, sizeof(*thread));
	struct thread *old = threads_find(t, tid);
	if (old && !old->died_ns)
		old->died_ns = born_ns;
	uint64_t *place = thread ? map_put(&t->by_tid, (uint32_t)tid) : NULL;
	if (!place || array_push(&t->all, thread)) {
		free(thread);
		return NULL;
	}
	thread->tid = tid;
	thread->born_ns = born_ns;
	thread->index = (uint32_t)(t->all.count - 1);
	*place = (uintptr_t)thread;
	return thread;
}

struct thread *threads_get(struct threads *t, int32_t tid)
{
	if (tid <= 0)
		return NULL;
	struct thread *thread = threads_find(t, tid);
	return thread ? thread : threads_replace(t, tid, 0);
}

static struct process *processes_replace(struct threads *t, int32_t pid)
{
	struct process *process = calloc(1, sizeof(*process));
	uint64_t *place = process ? map_put(&t->by_pid, (uint32_t)pid) : NULL;
	if (!place || array_push(&t->processes, process)) {
		free(process);
		return NULL;
	}
	process->pid = pid;
	*place = (uintptr_t)process;
	return process;
}

struct process *threads_process(struct threads *t, int32_t pid)
{
	if (pid <= 0)
		return NULL;
	struct process *process = map_find_pointer(&t->by_pid, (uint32_t)pid);
	return process ? process : processes_replace(t, pid);
}

int threads_join(struct threads *t, struct thread *thread, int32_t pid)
{
	if (pid <= 0 || thread->process)
		return 0;
	thread->process = threads_process(t, pid);
	return thread->process ? 0 : -ENOMEM;
}

static void thread_name(struct thread *thread, const char *name, size_t bytes)
{
	if (!bytes)
		return;
	if (bytes > THREAD_COMM_BYTES)
		bytes = THREAD_COMM_BYTES;
	memcpy(thread->comm, name, bytes);
	memset(thread->comm + bytes, 0, sizeof(thread->comm) - bytes);
}

static void thread_name_from(struct thread *thread, const struct event *e, unsigned slot)
{
	size_t bytes;
	const char *name = event_text(e, slot, &bytes);
	thread_name(thread, name, bytes);
}

static int seen_dumped(struct threads *t, const struct event *e)
{
	struct thread *thread = threads_get(t, (int32_t)event_int(e, STATE_THREAD_TID));
	int32_t pid = (int32_t)event_int(e, STATE_THREAD_PID);
	int32_t parent_pid = (int32_t)event_int(e, STATE_THREAD_PPID);
	if (!thread)
		return 0;
	/* A dump taken later than the events may not undo what they said. */
	if (!thread->comm[0])
		thread_name_from(thread, e, STATE_THREAD_NAME);
	thread->kernel = event_int(e, STATE_THREAD_TYPE) == 1 || thread->tid == KTHREADD_PID ||
			 parent_pid == KTHREADD_PID;
	int rc = threads_join(t, thread, pid);
	if (!rc && thread->process && !thread->process->parent_pid)
		thread->process->parent_pid = parent_pid;
	return rc;
}

static int seen_fork(struct threads *t, const struct event *e)
{
	const struct field *const *slots = e->type->slots;
	int32_t child_tid = (int32_t)event_int(e, FORK_CHILD_TID);
	int32_t child_pid = (int32_t)event_int(e, FORK_CHILD_PID);
	struct thread *parent = threads_get(t, (int32_t)event_int(e, FORK_PARENT_TID));
	if (child_tid <= 0)
		return 0;
	struct thread *child = threads_replace(t, child_tid, e->time_ns);
	if (!child)
		return -ENOMEM;
	if (event_has(e, FORK_CHILD_COMM))
		thread_name_from(child, e, FORK_CHILD_COMM);
	else if (parent)
		thread_name(child, parent->comm, strlen(parent->comm));
	if (parent)
		child->kernel = parent->kernel;
	/* One field for both, as ftrace has it, tells the thread and not the process. */
	if (slots[FORK_CHILD_PID] == slots[FORK_CHILD_TID] || child_pid <= 0)
		return 0;
	int32_t parent_pid = (int32_t)event_int(e, FORK_PARENT_PID);
	if (parent && threads_join(t, parent, parent_pid))
		return -ENOMEM;
	if (child_pid != child_tid)
		return threads_join(t, child, child_pid);
	child->process = processes_replace(t, child_pid);
	if (!child->process)
		return -ENOMEM;
	child->process->parent_pid = parent_pid;
	child->process->parent = parent ? parent->process : NULL;
	child->process->target = parent && thread_is_target(parent);
	return 0;
}

static int seen_exec(struct threads *t, const struct event *e)
{
	int32_t tid = event_has(e, EXEC_TID) ? (int32_t)event_int(e, EXEC_TID) : e->tid;
	struct thread *thread = threads_get(t, tid);
	if (!thread)
		return 0;
	if (event_has(e, EXEC_COMM)) {
		thread_name_from(thread, e, EXEC_COMM);
		return 0;
	}
	size_t bytes;
	const char *path = event_text(e, EXEC_FILENAME, &bytes);
	const char *slash = memrchr(path, '/', bytes);
	const char *name = slash ? slash + 1 : path;
	bytes -= (size_t)(name - path);
	thread_name(thread, name, bytes < THREAD_COMM_BYTES ? bytes : THREAD_COMM_BYTES - 1);
	return 0;
}

static int seen_exit(struct threads *t, const struct event *e)
{
	int32_t tid = event_has(e, EXIT_TID) ? (int32_t)event_int(e, EXIT_TID) : e->tid;
	struct thread *thread = threads_get(t, tid);
	if (thread) {
		thread->died_ns = e->time_ns;
		if (!thread->comm[0])
			thread_name_from(thread, e, EXIT_COMM);
	}
	return 0;
}

static int seen_args(struct threads *t, const struct event *e)
{
	struct process *process = threads_process(t, (int32_t)event_int(e, STATE_ARGS_PID));
	size_t bytes;
	const char *args = event_text(e, STATE_ARGS_ARGS, &bytes);
	if (!process || !bytes)
		return 0;
	char *copy = strndup(args, bytes);
	if (!copy)
		return -ENOMEM;
	free(process->args);
	process->args = copy;
	return 0;
}

static int seen_target(struct threads *t, const struct event *e)
{
	struct process *process = threads_process(t, (int32_t)event_int(e, STATE_TARGET_PID));
	if (process)
		t->has_targets = process->asked = process->target = true;
	return 0;
}

/* Tracers that put names into every switch need no other source of them. */
static int seen_switch(struct threads *t, const struct event *e)
{
	if (event_has(e, SWITCH_NEXT_COMM)) {
		struct thread *next = threads_get(t, (int32_t)event_int(e, SWITCH_NEXT_TID));
		if (next)
			thread_name_from(next, e, SWITCH_NEXT_COMM);
	}
	if (event_has(e, SWITCH_PREV_COMM)) {
		struct thread *prev = threads_get(t, (int32_t)event_int(e, SWITCH_PREV_TID));
		if (prev)
			thread_name_from(prev, e, SWITCH_PREV_COMM);
	}
	return 0;
}

static int seen_rename(struct threads *t, const struct event *e)
{
	int32_t tid = event_has(e, RENAME_TID) ? (int32_t)event_int(e, RENAME_TID) : e->tid;
	struct thread *thread = threads_get(t, tid);
	if (thread)
		thread_name_from(thread, e, RENAME_COMM);
	return 0;
}

static int threads_event(void *state, const struct event *e)
{
	switch (e->type->kind) {
	case EVENT_SCHED_SWITCH:
		return seen_switch(state, e);
	case EVENT_SCHED_FORK:
		return seen_fork(state, e);
	case EVENT_SCHED_EXEC:
		return seen_exec(state, e);
	case EVENT_SCHED_EXIT:
		return seen_exit(state, e);
	case EVENT_TASK_RENAME:
		return seen_rename(state, e);
	case EVENT_STATE_THREAD:
		return seen_dumped(state, e);
	case EVENT_STATE_ARGS:
		return seen_args(state, e);
	default:
		return seen_target(state, e);
	}
}

/* Parents known by number only are found now; then targets hand down to all below them. */
static int threads_finish(void *state)
{
	struct threads *t = state;
	array_each(process, &t->processes) {
		if (!(*process)->parent)
			(*process)->parent =
				map_find_pointer(&t->by_pid, (uint32_t)(*process)->parent_pid);
	}
	array_each(process, &t->processes) {
		/* A chain of parents may be a circle when ids were used again: bounded. */
		struct process *above = (*process)->parent;
		for (int depth = 0; above && depth < 64 && !(*process)->target; depth++) {
			(*process)->target = above->asked;
			above = above->parent;
		}
	}
	return 0;
}

static void threads_release(void *state)
{
	struct threads *t = state;
	array_each(thread, &t->all)
		free(*thread);
	array_each(process, &t->processes) {
		free((*process)->args);
		free(*process);
	}
	array_free(&t->all);
	array_free(&t->processes);
	map_deinit(&t->by_tid);
	map_deinit(&t->by_pid);
}

const struct analysis analysis_threads = {
	.name = "threads",
	.kinds = KIND(SCHED_SWITCH) | KIND(SCHED_FORK) | KIND(SCHED_EXEC) | KIND(SCHED_EXIT) |
		 KIND(TASK_RENAME) | KIND(STATE_THREAD) | KIND(STATE_ARGS) | KIND(STATE_TARGET),
	.state_bytes = sizeof(struct threads),
	.event = threads_event,
	.finish = threads_finish,
	.release = threads_release,
};
