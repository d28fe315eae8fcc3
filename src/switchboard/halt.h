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

/*
 * One thread alone; the others run on. As long as it is ours, no other tracer has the process, so
 * that several steps are one: halt_widen() stops all threads, halt_narrow() lets all run and all
 * but the first one go, halt_stop() stops that again.
 */
int halt_begin_thread(struct halt *ret, pid_t pid, pid_t tid, uint64_t wait_ns, struct err *e);
int halt_widen(struct halt *h, uint64_t wait_ns, struct err *e);
void halt_narrow(struct halt *h);
int halt_stop(struct halt *h, uint64_t wait_ns, struct err *e);

void halt_end(struct halt *h);

#endif
