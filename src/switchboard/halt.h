/* SPDX-License-Identifier: MIT */
/*
 * All threads of a process stopped for a moment, without a signal the program could notice.
 *
 * Whoever was inside a restartable sequence starts it over afterwards. Should the tool die
 * meanwhile, the kernel lets the threads go.
 */
#ifndef CAIRN_SWITCHBOARD_HALT_H
#define CAIRN_SWITCHBOARD_HALT_H

#include "util/array.h"
#include "util/err.h"

#include <stdint.h>
#include <sys/types.h>

#define HALT_FOREVER UINT64_MAX

struct halt {
	pid_t pid;
	ARRAY(pid_t) threads;
};

/*
 * -ETIMEDOUT when a thread sleeps deep in the kernel and does not stop for `wait_ns`. Such a one
 * is let go only when the calling thread ends.
 */
int halt_begin(struct halt *ret, pid_t pid, uint64_t wait_ns, struct err *e);

/* One thread alone; the others run on. */
int halt_begin_thread(struct halt *ret, pid_t pid, pid_t tid, uint64_t wait_ns, struct err *e);
void halt_end(struct halt *h);

#endif
