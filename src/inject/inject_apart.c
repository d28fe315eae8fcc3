/* SPDX-License-Identifier: MIT */
#include "inject/inject_apart.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK_BYTES = 256 << 10 };

struct apart {
	int (*work)(void *context, struct err *e);
	void *context;
	struct err *e;
	int status;
};

static int run(void *argument)
{
	struct apart *a = argument;
	setsid();
	prctl(PR_SET_NAME, "probe-surgeon"); /* killall with the name of the tool spares it */
	a->status = a->work(a->context, a->e);
	_exit(0);
}

/* With the memory shared and the parent waiting, as posix_spawn() does it. */
static int run_apart(struct apart *a, char *stack)
{
	sigset_t all, before;
	int status;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pid_t pid = clone(run, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | CLONE_FILES, a);
	if (pid > 0)
		waitpid(pid, &status, __WALL);
	else
		a->status = err_errno(a->e, "no process can be made to work in");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return a->status;
}

int inject_apart(int (*work)(void *context, struct err *e), void *context, struct err *e)
{
	struct apart a = {work, context, e, -ECHILD};
#ifdef __SANITIZE_THREAD__
	return work(context, e); /* its own threads do not stand memory that two processes share */
#endif
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return err_errno(e, "no memory for a stack");
	int status = run_apart(&a, stack);
	munmap(stack, STACK_BYTES);
	return status;
}
