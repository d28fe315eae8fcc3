/* SPDX-License-Identifier: MIT */
/* What the walker of user stacks in the kernel and the tool agree on, beside unwind_abi.h. */
#ifndef CAIRN_KERNEL_STACK_ABI_H
#define CAIRN_KERNEL_STACK_ABI_H

#include "unwind/unwind_abi.h"

enum {
	STACK_SPACE_BYTES = 16 << 20, /* of tables, in all; the kernel takes it at once */
	STACK_MAPPINGS_MAX = 32768,   /* of all processes */
	STACK_PROCESSES_MAX = 8192,
	STACK_MISSES_MAX = 512,
};

#endif
