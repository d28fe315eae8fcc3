/* SPDX-License-Identifier: MIT */
#include "inject/inject_call.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

/*
 * Until it stops as asked: at either end of a system call, or for our interruption. The only
 * signals that come through the mask are those that stop or kill, and they have their way.
 */
static bool resume_until(pid_t tid, int request, bool interrupted)
{
	long signal = 0;
	int status;
	for (;;) {
		if (ptrace(request, tid, NULL, (void *)signal) < 0 ||
		    waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
			return false;
		bool event = status >> 16 == PTRACE_EVENT_STOP;
		bool call = !event && WSTOPSIG(status) == (SIGTRAP | 0x80);
		if (interrupted ? event : call)
			return true;
		signal = event || call ? 0 : WSTOPSIG(status);
	}
}

int inject_call_begin(struct inject_call *ret, pid_t tid, uint64_t at, struct err *e)
{
	struct inject_call c = {.tid = tid, .at = at};
	uint64_t all = ~UINT64_C(0);
	if (ptrace(PTRACE_GETREGS, tid, NULL, &c.before) < 0 ||
	    ptrace(PTRACE_GETSIGMASK, tid, sizeof(c.mask_before), &c.mask_before) < 0 ||
	    ptrace(PTRACE_SETOPTIONS, tid, NULL, PTRACE_O_TRACESYSGOOD) < 0 ||
	    ptrace(PTRACE_SETSIGMASK, tid, sizeof(all), &all) < 0)
		return err_errno(e, "thread %d cannot be made to work", (int)tid);
	*ret = c;
	return 0;
}

int64_t inject_call(struct inject_call *c, long number, uint64_t a, uint64_t b, uint64_t d,
		    uint64_t f, uint64_t g, uint64_t h)
{
	struct user_regs_struct regs = c->before;
	regs.rip = c->at;
	regs.rax = (uint64_t)number;
	regs.orig_rax = UINT64_MAX; /* no call was interrupted here */
	regs.rdi = a;
	regs.rsi = b;
	regs.rdx = d;
	regs.r10 = f;
	regs.r8 = g;
	regs.r9 = h;
	if (ptrace(PTRACE_SETREGS, c->tid, NULL, &regs) < 0 ||
	    !resume_until(c->tid, PTRACE_SYSCALL, false) ||
	    !resume_until(c->tid, PTRACE_SYSCALL, false) ||
	    ptrace(PTRACE_GETREGS, c->tid, NULL, &regs) < 0)
		return -ESRCH;
	return (int64_t)regs.rax;
}

/*
 * The kernel starts an interrupted call again on the way out of a stop for an interruption, not of
 * one at a system call's end: so one such stop more, and then the registers as they were.
 */
int inject_call_end(struct inject_call *c, struct err *e)
{
	if (ptrace(PTRACE_SETREGS, c->tid, NULL, &c->before) < 0 ||
	    ptrace(PTRACE_INTERRUPT, c->tid, NULL, NULL) < 0 ||
	    !resume_until(c->tid, PTRACE_CONT, true) ||
	    ptrace(PTRACE_SETREGS, c->tid, NULL, &c->before) < 0 ||
	    ptrace(PTRACE_SETSIGMASK, c->tid, sizeof(c->mask_before), &c->mask_before) < 0)
		return err_errno(e, "thread %d was lost", (int)c->tid);
	return 0;
}
