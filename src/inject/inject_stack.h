/* SPDX-License-Identifier: MIT */
/*
 * Where the threads of a stopped process will go on: their program counters, and those that wait
 * on their stacks in the frames of signal handlers, which are told by the segments beside them.
 *
 * A stack is read from its thread's stack pointer to the end of the mapping, and so is the one that
 * a frame says was left for it. What a program switched away from by itself is not seen.
 */
#ifndef CAIRN_INJECT_INJECT_STACK_H
#define CAIRN_INJECT_INJECT_STACK_H

#include "inject/inject_maps.h"

#include <sys/user.h>

struct halt;

struct inject_pc {
	pid_t tid;
	uint64_t at; /* in memory; 0: the thread's register */
	uint64_t pc;
};

struct inject_stacks {
	pid_t pid;
	int mem; /* /proc/PID/mem */
	struct inject_maps *maps;
	ARRAY(struct inject_pc) pcs;
	void (*word)(void *context, uint64_t word); /* is told every word, if not NULL */
	void *context;
};

/* Registers only, or `deep`: stacks too. Threads that are gone are left out. */
int inject_stacks_read(struct inject_stacks *s, const struct halt *h, bool deep, struct err *e);

/* Lets what was found at `pc` go on elsewhere. */
int inject_stacks_move(struct inject_stacks *s, const struct inject_pc *pc, uint64_t to,
		       struct err *e);

void inject_stacks_deinit(struct inject_stacks *s);

#endif
