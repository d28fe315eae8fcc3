/* SPDX-License-Identifier: MIT */
/* Where unwind tables come from: functions that whoever conducts the recording hands in. */
#ifndef CAIRN_KERNEL_STACK_SOURCE_H
#define CAIRN_KERNEL_STACK_SOURCE_H

#include "unwind/unwind_walk.h"
#include "util/err.h"

struct stack_source {
	/* A table that is there already, in well under a millisecond; NULL = there is none. */
	bool (*find)(void *context, struct unwind_image *ret, int fd);
	/*
	 * Makes the table of an ELF file, however long it takes; in a thread of its own. −ENODATA:
	 * the file says nothing about its frames. `name` is for sentences.
	 */
	int (*build)(void *context, struct unwind_image *ret, int fd, const char *name,
		     struct err *e);
	void *context;
};

#endif
