/* SPDX-License-Identifier: MIT */
/*
 * System calls that a stopped thread of another process makes for us, through the `syscall`
 * instruction of its vDSO. Nothing else of the process runs on that thread; signals wait.
 */
#ifndef CAIRN_INJECT_INJECT_CALL_H
#define CAIRN_INJECT_INJECT_CALL_H

#include "util/err.h"

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

struct inject_call {
	pid_t tid;
	uint64_t at; /* of a syscall instruction */
	struct user_regs_struct before;
	uint64_t mask_before;
};

/* The thread is stopped, as halt_begin() leaves it, and will be again after the end. */
int inject_call_begin(struct inject_call *ret, pid_t tid, uint64_t at, struct err *e);
int inject_call_end(struct inject_call *c, struct err *e);

/* What the call returns: a value or a negative errno; -ESRCH also when the thread is gone. */
int64_t inject_call(struct inject_call *c, long number, uint64_t a, uint64_t b, uint64_t d,
		    uint64_t f, uint64_t g, uint64_t h);

#endif
