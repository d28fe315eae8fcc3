/* SPDX-License-Identifier: MIT */
/* System calls by number: their names, and what their first argument is. */
#ifndef CAIRN_ANALYSIS_SYSCALLS_H
#define CAIRN_ANALYSIS_SYSCALLS_H

#include <stdint.h>

enum syscall_kind {
	SYSCALL_PLAIN,
	SYSCALL_FILE,  /* the first argument is a file descriptor */
	SYSCALL_FUTEX, /* the first argument is a futex's address */
	SYSCALL_SLEEP, /* sleeps by choice */
	SYSCALL_CHILD, /* waits for a child to end */
	SYSCALL_READY, /* waits for any of several files */
};

/* NULL for a number nobody knows. */
const char *syscall_name(int32_t number);
enum syscall_kind syscall_kind(int32_t number);

#endif
