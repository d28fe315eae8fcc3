/* SPDX-License-Identifier: MIT */
/* What the programs for tracepoints by name have to know to record them as format.h lays it out. */
#ifndef CAIRN_KERNEL_GENERIC_ABI_H
#define CAIRN_KERNEL_GENERIC_ABI_H

#include "kernel/recorder_abi.h"

enum {
	GENERIC_DYNAMIC_MAX = 8,
	GENERIC_CALLS = 1024, /* system call numbers that are looked at */
	GENERIC_ARGS_MAX = 6,
};

struct generic_dynamic {
	RING_U16 at; /* of the word, in the raw record */
	RING_U8 element_shift;
	RING_U8 is_relative;
};

/* The entry that a program's cookie names. */
struct generic_event {
	RING_U16 id;
	RING_U16 fixed_bytes; /* without the common fields */
	RING_U16 dynamic_count;
	RING_U16 spare;
	struct generic_dynamic dynamic[GENERIC_DYNAMIC_MAX];
};

/* By the number of a system call; an id of 0 is not asked for. */
struct generic_call {
	RING_U16 enter_id;
	RING_U16 exit_id;
	RING_U16 enter_bytes; /* of the payload */
	RING_U16 arg_count;
};

/* What the tracepoints of a system call hold behind the common fields. */
struct generic_call_enter {
	recorder_s32 nr;
	RING_U32 spare;
	RING_U64 args[GENERIC_ARGS_MAX]; /* as many as the call has; without any, no spare */
};

struct generic_call_exit {
	recorder_s32 nr;
	RING_U32 spare;
	recorder_s64 ret;
};

#endif
