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

#include <sys/types.h>

struct halt {
	pid_t pid;
	ARRAY(pid_t) threads;
};

int halt_begin(struct halt *ret, pid_t pid, struct err *e);
void halt_end(struct halt *h);

#endif
