/* SPDX-License-Identifier: MIT */
#include "session/state.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t ms_ns = 1000000;

/* An exec maps its libraries over the next moments; a target may open more at any time. */
static const uint64_t look_after_ms[] = {0, 60, 300};
enum {
	LOOKS = sizeof(look_after_ms) / sizeof(look_after_ms[0]),
	TARGET_LOOK_MS = 1000,
	ANCHOR_MS = 1000
};

int state_create(struct state **ret, struct err *e)
{
	struct state *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ENOMEM, "no memory for the state of the system");
	s->use_tsc = clock_check(NULL) == 0;
	*ret = s;
	return 0;
}

static void clear_maps(struct state_process *p)
{
	array_free(&p->maps);
}

static void clear_fds(struct state_process *p)
{
	array_each(fd, &p->fds)
		free(fd->path);
	array_free(&p->fds);
}

static void process_destroy(struct state_process *p)
{
	clear_maps(p);
	clear_fds(p);
	array_free(&p->threads);
	free(p->args);
	free(p);
}

void state_destroy(struct state *s)
{
	if (!s)
		return;
	map_each(slot, &s->processes)
		process_destroy((struct state_process *)slot->value);
	map_each(slot, &s->files) {
		struct state_file *file = (struct state_file *)slot->value;
		free(file->path);
		free(file);
	}
	map_deinit(&s->processes);
	map_deinit(&s->files);
	array_free(&s->anchors);
	free(s);
}

struct state_process *state_process(struct state *s, pid_t pid)
{
	struct state_process *known = map_find_pointer(&s->processes, (uint64_t)pid);
	if (known)
		return known;
	struct state_process *p = calloc(1, sizeof(*p));
	uint64_t *place = p ? map_put(&s->processes, (uint64_t)pid) : NULL;
	if (!place) {
		free(p);
		return NULL;
	}
	p->pid = pid;
	*place = (uint64_t)(uintptr_t)p;
	return p;
}

struct state_thread *state_thread(struct state_process *p, pid_t tid)
{
	array_each(thread, &p->threads) {
		if (thread->tid == tid)
			return thread;
	}
	struct state_thread *thread = array_add(&p->threads);
	if (thread)
		thread->tid = tid;
	return thread;
}

int state_add_target(struct state *s, pid_t pid, uint64_t now_ns, struct err *e)
{
	struct state_process *p = state_process(s, pid);
	if (!p)
		return err_set(e, ENOMEM, "no memory for the target %d", (int)pid);
	p->is_target = true;
	p->look_at_ns = now_ns + TARGET_LOOK_MS * ms_ns;
	state_read_process(s, p, now_ns);
	state_read_fds(p, now_ns);
	return 0;
}

int state_scan(struct state *s, uint64_t now_ns, struct err *e)
{
	DIR *d = opendir("/proc");
	if (!d)
		return err_errno(e, "cannot read /proc");
	for (struct dirent *entry; (entry = readdir(d));) {
		pid_t pid = atoi(entry->d_name);
		struct state_process *p = pid > 0 ? state_process(s, pid) : NULL;
		if (p)
			state_read_process(s, p, now_ns);
	}
	closedir(d);
	return 0;
}

static void set_name(struct state_thread *thread, const char *name, uint64_t time_ns)
{
	if (!thread)
		return;
	memcpy(thread->name, name, sizeof(thread->name));
	thread->name[sizeof(thread->name) - 1] = 0;
	thread->since_ns = time_ns;
	thread->written = false;
}

/* A pid that comes again is somebody else. */
static struct state_process *born(struct state *s, pid_t pid)
{
	struct state_process *old = map_find_pointer(&s->processes, (uint64_t)pid);
	if (old && old->gone_ns) {
		map_remove(&s->processes, (uint64_t)pid);
		s->gone_count--;
		process_destroy(old);
	}
	return state_process(s, pid);
}

static void process_forked(struct state *s, uint64_t time_ns, const struct recorder_fork *fork)
{
	bool is_process = fork->child_tid == fork->child_pid;
	struct state_process *p =
		is_process ? born(s, fork->child_pid) : state_process(s, fork->child_pid);
	if (!p)
		return;
	set_name(state_thread(p, fork->child_tid), fork->child_comm, time_ns);
	if (!is_process)
		return;
	struct state_process *parent = map_find_pointer(&s->processes, (uint64_t)fork->parent_pid);
	p->parent = fork->parent_pid;
	p->look_at_ns = time_ns;
	p->is_target = parent && parent->is_target;
}

static struct state_process *process_of(struct state *s, pid_t tid)
{
	struct state_process *p = map_find_pointer(&s->processes, (uint64_t)tid);
	if (p && !p->gone_ns)
		return p;
	map_each(slot, &s->processes) {
		struct state_process *other = (struct state_process *)slot->value;
		array_each(thread, &other->threads) {
			if (thread->tid == tid && !other->gone_ns)
				return other;
		}
	}
	return NULL;
}

static void process_executed(struct state *s, uint64_t time_ns, const struct recorder_exec *exec)
{
	struct state_process *p = state_process(s, exec->tid);
	if (!p)
		return;
	set_name(state_thread(p, exec->tid), exec->comm, time_ns);
	clear_maps(p);
	clear_fds(p);
	free(p->args);
	p->args = strndup(exec->filename, sizeof(exec->filename) - 1);
	p->args_ns = time_ns;
	p->args_written = false;
	p->looks = 0;
	p->look_at_ns = time_ns;
}

static void process_ended(struct state *s, uint64_t time_ns, const struct recorder_exit *gone)
{
	struct state_process *p = map_find_pointer(&s->processes, (uint64_t)gone->pid);
	if (!p || gone->tid != gone->pid || p->gone_ns)
		return;
	p->gone_ns = time_ns;
	p->look_at_ns = 0;
	s->gone_count++;
}

void state_news(void *state, enum recorder_event id, uint64_t time_ns, const void *payload)
{
	struct state *s = state;
	if (id == RECORDER_FORK) {
		process_forked(s, time_ns, payload);
	} else if (id == RECORDER_EXEC) {
		process_executed(s, time_ns, payload);
	} else if (id == RECORDER_EXIT) {
		process_ended(s, time_ns, payload);
	} else if (id == RECORDER_RENAME) {
		const struct recorder_rename *rename = payload;
		struct state_process *p = process_of(s, rename->tid);
		if (p)
			set_name(state_thread(p, rename->tid), rename->newcomm, time_ns);
	}
}

static void look(struct state *s, struct state_process *p, uint64_t now_ns)
{
	state_read_process(s, p, now_ns);
	if (p->is_target)
		state_read_fds(p, now_ns);
	p->looks++;
	if (p->looks < LOOKS)
		p->look_at_ns = now_ns + look_after_ms[p->looks] * ms_ns;
	else
		p->look_at_ns = p->is_target ? now_ns + TARGET_LOOK_MS * ms_ns : 0;
}

void state_refresh(struct state *s, uint64_t now_ns)
{
	map_each(slot, &s->processes) {
		struct state_process *p = (struct state_process *)slot->value;
		if (p->look_at_ns && p->look_at_ns <= now_ns)
			look(s, p, now_ns);
	}
}

void state_refresh_targets(struct state *s, uint64_t now_ns)
{
	map_each(slot, &s->processes) {
		struct state_process *p = (struct state_process *)slot->value;
		if (p->is_target && !p->gone_ns)
			look(s, p, now_ns);
	}
}

void state_anchor_clocks(struct state *s, uint64_t now_ns, bool now)
{
	enum { TRIES = 16, DROP = STATE_ANCHORS_MAX / 4 };
	size_t count = s->anchors.count;
	if (count && !now &&
	    now_ns - s->anchors.items[count - 1].clock.monotonic_ns < ANCHOR_MS * ms_ns)
		return;
	if (count == STATE_ANCHORS_MAX) {
		s->anchors.count -= DROP;
		memmove(s->anchors.items, s->anchors.items + DROP,
			s->anchors.count * sizeof(*s->anchors.items));
	}
	struct state_anchor *anchor = array_add(&s->anchors);
	if (anchor)
		clock_anchor_take(&anchor->clock, TRIES, s->use_tsc);
}

/* The death before which as many died as are too many; nearly, which is enough. */
static uint64_t too_old_ns(const struct state *s)
{
	uint64_t oldest_ns = UINT64_MAX, newest_ns = 0;
	map_each(slot, &s->processes) {
		const struct state_process *p = (const struct state_process *)slot->value;
		if (!p->gone_ns)
			continue;
		oldest_ns = p->gone_ns < oldest_ns ? p->gone_ns : oldest_ns;
		newest_ns = p->gone_ns > newest_ns ? p->gone_ns : newest_ns;
	}
	return oldest_ns + (newest_ns - oldest_ns) / 2;
}

void state_forget(struct state *s, bool written_only)
{
	if (!s->gone_count || (!written_only && s->gone_count <= STATE_GONE_MAX))
		return;
	uint64_t limit_ns = written_only ? UINT64_MAX : too_old_ns(s);
	ARRAY(struct state_process *) gone = {0};
	map_each(slot, &s->processes) {
		struct state_process *p = (struct state_process *)slot->value;
		if (p->gone_ns && p->gone_ns <= limit_ns && array_push(&gone, p) < 0)
			break;
	}
	array_each(process, &gone) {
		map_remove(&s->processes, (uint64_t)(*process)->pid);
		process_destroy(*process);
		s->gone_count--;
	}
	array_free(&gone);
}
