/* SPDX-License-Identifier: MIT */
/*
 * The ways out of a function, found by decoding it: compilers do not describe them.
 *
 * A way out is a return, or a jump to another function in its place (a tail call). Jumps to where
 * a register says are taken for tail calls unless they look like a switch; a conditional branch to
 * another function is none: nobody can say there whether it will be taken.
 */
#ifndef CAIRN_PROBE_PROBE_EXIT_H
#define CAIRN_PROBE_PROBE_EXIT_H

#include "probe/probe_file.h"

struct probe_exit {
	uint64_t address;  /* of the return or the jump */
	uint64_t epilogue; /* the first instruction that takes the frame down; may be the same */
	bool is_jump;
};

struct probe_exits {
	ARRAY(struct probe_exit) items;
};

int probe_exits_find(const struct probe_file *f, const struct probe_function *function,
		     struct probe_exits *ret, struct err *e);
void probe_exits_deinit(struct probe_exits *x);

#endif
