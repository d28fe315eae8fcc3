/* SPDX-License-Identifier: MIT */
#include "switchboard/halt.h"
#include "util/now.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum {
	ROUNDS_MAX = 100,
	SLEEP_NS = 50000,
};

static bool has_thread(const struct halt *h, pid_t tid)
{
	array_each(known, &h->threads) {
		if (*known == tid)
			return true;
	}
	return false;
}

/* A first thread that has ended stays, unusable, until the others have. */
static bool is_over(pid_t pid, pid_t tid)
{
	char path[64], state = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	FILE *file = fopen(path, "re");
	if (!file)
		return true;
	bool known = fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
	fclose(file);
	return known && (state == 'Z' || state == 'X');
}

/* A thread that is gone by now, or is a tracer's other thread already, is no error here. */
static int seize(struct halt *h, pid_t tid, struct err *e)
{
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0) {
		if (errno == ESRCH || (errno == EPERM && is_over(h->pid, tid))) {
			errno = 0;
			return 0;
		}
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

/*
 * One more stop of the thread, or its end; false when neither comes in time. Where the caller has
 * SIGCHLD blocked, it ends the sleep.
 */
static bool await_change(pid_t tid, int *status, uint64_t until_ns)
{
	sigset_t change;
	sigemptyset(&change);
	sigaddset(&change, SIGCHLD);
	for (;;) {
		pid_t changed = waitpid(tid, status, __WALL | WNOHANG);
		if (changed == tid)
			return true;
		if (changed < 0) {
			*status = 0; /* it ended before it was ours to wait for */
			return true;
		}
		if (now_monotonic_ns() > until_ns)
			return false;
		sigtimedwait(&change, NULL, &(struct timespec){.tv_nsec = SLEEP_NS});
	}
}

/* A signal on its way is what the thread stops for instead; it gets it back at the end. */
static int await(const struct halt *h, pid_t tid, uint64_t wait_ns, struct err *e)
{
	int status;
	uint64_t now_ns = now_monotonic_ns();
	uint64_t until_ns = wait_ns < UINT64_MAX - now_ns ? now_ns + wait_ns : UINT64_MAX;
	while (await_change(tid, &status, until_ns)) {
		if (!WIFSTOPPED(status) || status >> 16 == PTRACE_EVENT_STOP)
			return 0;
		ptrace(PTRACE_CONT, tid, NULL, (void *)(long)WSTOPSIG(status));
	}
	return err_set(e, ETIMEDOUT, "thread %d of process %d does not stop", (int)tid,
		       (int)h->pid);
}

int halt_stop(struct halt *h, uint64_t wait_ns, struct err *e)
{
	int status = 0;
	array_each(tid, &h->threads)
		ptrace(PTRACE_INTERRUPT, *tid, NULL, NULL);
	for (size_t i = 0; status == 0 && i < h->threads.count; i++)
		status = await(h, h->threads.items[i], wait_ns, e);
	return status;
}

int halt_widen(struct halt *h, uint64_t wait_ns, struct err *e)
{
	int found = 1;
	size_t stopped = 0;
	array_each(tid, &h->threads)
		ptrace(PTRACE_INTERRUPT, *tid, NULL, NULL);
	/* A thread that runs may make another; none does when a round finds no new one. */
	for (int round = 0; found > 0 && round < ROUNDS_MAX; round++) {
		found = seize_all(h, e);
		for (; found >= 0 && stopped < h->threads.count; stopped++) {
			int status = await(h, h->threads.items[stopped], wait_ns, e);
			found = status < 0 ? status : found;
		}
	}
	if (found > 0)
		found = err_set(e, EAGAIN, "process %d makes threads faster than they stop",
				(int)h->pid);
	if (found == 0 && !h->threads.count)
		found = err_set(e, ESRCH, "no process %d", (int)h->pid);
	return found;
}

int halt_begin(struct halt *ret, pid_t pid, uint64_t wait_ns, struct err *e)
{
	struct halt h = {.pid = pid};
	int status = halt_widen(&h, wait_ns, e);
	if (status < 0)
		halt_end(&h);
	else
		*ret = h;
	return status;
}

int halt_begin_thread(struct halt *ret, pid_t pid, pid_t tid, uint64_t wait_ns, struct err *e)
{
	struct halt h = {.pid = pid};
	int status = seize(&h, tid, e);
	if (status == 0)
		status = err_set(e, ESRCH, "no thread %d in process %d", (int)tid, (int)pid);
	if (status > 0)
		status = await(&h, tid, wait_ns, e);
	if (status < 0)
		halt_end(&h);
	else
		*ret = h;
	return status;
}

/* A thread that its whole process was stopped with, by a signal, stays so. */
static void let_run(pid_t tid)
{
	siginfo_t why = {.si_signo = SIGTRAP};
	ptrace(PTRACE_GETSIGINFO, tid, NULL, &why);
	ptrace(why.si_signo == SIGTRAP ? PTRACE_CONT : PTRACE_LISTEN, tid, NULL, NULL);
}

void halt_narrow(struct halt *h)
{
	for (size_t i = 1; i < h->threads.count; i++)
		ptrace(PTRACE_DETACH, h->threads.items[i], NULL, NULL);
	if (h->threads.count) {
		h->threads.count = 1;
		let_run(h->threads.items[0]);
	}
}

void halt_end(struct halt *h)
{
	array_each(tid, &h->threads)
		ptrace(PTRACE_DETACH, *tid, NULL, NULL);
	array_free(&h->threads);
}
