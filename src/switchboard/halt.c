/* SPDX-License-Identifier: MIT */
#include "switchboard/halt.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum { ROUNDS_MAX = 100 };

static bool has_thread(const struct halt *h, pid_t tid)
{
	array_each(known, &h->threads) {
		if (*known == tid)
			return true;
	}
	return false;
}

/* A thread that is gone by now, or is a tracer's other thread already, is no error here. */
static int seize(struct halt *h, pid_t tid, struct err *e)
{
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0) {
		if (errno == ESRCH)
			return 0;
		return err_errno(e,
				 "cannot stop process %d (a debugger in it, or "
				 "/proc/sys/kernel/yama/ptrace_scope, may forbid that)",
				 (int)h->pid);
	}
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 || array_push(&h->threads, tid)) {
		ptrace(PTRACE_DETACH, tid, NULL, NULL);
		return err_set(e, ENOMEM, "no memory to stop process %d", (int)h->pid);
	}
	return 1;
}

/* Those not stopped yet: how many, or negative. */
static int seize_all(struct halt *h, struct err *e)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)h->pid);
	DIR *tasks = opendir(path);
	int count = 0, status = tasks ? 0 : err_errno(e, "no process %d", (int)h->pid);
	for (struct dirent *entry; status >= 0 && (entry = readdir(tasks));) {
		pid_t tid = atoi(entry->d_name);
		status = tid > 0 && !has_thread(h, tid) ? seize(h, tid, e) : 0;
		count += status > 0;
	}
	if (tasks)
		closedir(tasks);
	return status < 0 ? status : count;
}

/* A signal on its way is what the thread stops for instead; it gets it back at the end. */
static void await(pid_t tid)
{
	int status;
	while (waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status)) {
		if (status >> 16 == PTRACE_EVENT_STOP)
			return;
		ptrace(PTRACE_CONT, tid, NULL, (void *)(long)WSTOPSIG(status));
	}
}

int halt_begin(struct halt *ret, pid_t pid, struct err *e)
{
	struct halt h = {.pid = pid};
	int found = 1;
	/* A thread that runs may make another; none does when a round finds no new one. */
	for (int round = 0; found > 0 && round < ROUNDS_MAX; round++) {
		size_t before = h.threads.count;
		found = seize_all(&h, e);
		for (size_t i = before; i < h.threads.count; i++)
			await(h.threads.items[i]);
	}
	if (found > 0)
		found = err_set(e, EAGAIN, "process %d makes threads faster than they stop",
				(int)pid);
	if (found == 0 && !h.threads.count)
		found = err_set(e, ESRCH, "no process %d", (int)pid);
	if (found < 0)
		halt_end(&h);
	else
		*ret = h;
	return found;
}

void halt_end(struct halt *h)
{
	array_each(tid, &h->threads)
		ptrace(PTRACE_DETACH, *tid, NULL, NULL);
	array_free(&h->threads);
}
