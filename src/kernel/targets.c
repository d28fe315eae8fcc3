/* SPDX-License-Identifier: MIT */
#include "kernel/targets.h"

#include "util/cleanup.h"

#include <errno.h>
#include <linux/sched.h>
#include <stdio.h>

static int put(struct map *m, int32_t key, uint64_t value)
{
	uint64_t *slot = map_put(m, (uint32_t)key);
	if (slot)
		*slot = value;
	return slot ? 0 : -ENOMEM;
}

int targets_init(struct targets *t, const pid_t *targets, size_t count)
{
	int result = 0;
	*t = (struct targets){0};
	for (size_t i = 0; i < count && !result; i++)
		result = put(&t->chosen, targets[i], 1);
	if (result)
		targets_deinit(t);
	return result;
}

void targets_deinit(struct targets *t)
{
	map_deinit(&t->tgids);
	map_deinit(&t->chosen);
	map_deinit(&t->clones);
}

void targets_announce(struct targets *t, int32_t child_tid, uint64_t clone_flags)
{
	put(&t->clones, child_tid, clone_flags);
}

static bool is_target(const struct targets *t, int32_t tgid)
{
	return map_find(&t->chosen, (uint32_t)tgid) != NULL;
}

void targets_born(struct targets *t, int32_t parent_tid, int32_t child_tid, int32_t *parent_pid_ret,
		  int32_t *child_pid_ret)
{
	const uint64_t *flags = map_find(&t->clones, (uint32_t)child_tid);
	int32_t parent_pid = targets_tgid(t, parent_tid);
	if (!parent_pid)
		parent_pid = parent_tid;
	/* Nothing is known of an earlier thread of that number any more. */
	map_remove(&t->tgids, (uint32_t)child_tid);
	int32_t child_pid = !flags                  ? targets_tgid(t, child_tid)
			    : *flags & CLONE_THREAD ? parent_pid
						    : child_tid;
	if (!child_pid)
		child_pid = child_tid;
	map_remove(&t->clones, (uint32_t)child_tid);
	targets_set(t, child_tid, child_pid);
	if (is_target(t, parent_pid))
		put(&t->chosen, child_pid, 1);
	*parent_pid_ret = parent_pid;
	*child_pid_ret = child_pid;
}

void targets_set(struct targets *t, int32_t tid, int32_t tgid)
{
	put(&t->tgids, tid, (uint64_t)tgid);
}

int32_t targets_tgid(struct targets *t, int32_t tid)
{
	const uint64_t *seen = map_find(&t->tgids, (uint32_t)tid);
	if (seen)
		return (int32_t)*seen;
	char path[40], line[128];
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	CLEANUP(stream) FILE *status = fopen(path, "re");
	int32_t tgid = 0;
	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "Tgid: %d", &tgid) == 1)
			break;
	targets_set(t, tid, tgid);
	return tgid;
}

bool targets_is_target(struct targets *t, int32_t tid)
{
	return is_target(t, targets_tgid(t, tid));
}
