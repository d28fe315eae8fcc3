/* SPDX-License-Identifier: MIT */
/* What /proc tells of a process's executable memory. */
#ifndef CAIRN_KERNEL_STACK_MAPS_H
#define CAIRN_KERNEL_STACK_MAPS_H

#include "util/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct stack_map {
	uint64_t start, end;
	uint64_t offset;  /* in the file */
	const char *path; /* "" for anonymous memory, "[vdso]"; valid during the call */
};

/* One line of /proc/PID/maps, without its newline, which is changed; false: not executable. */
bool stack_maps_parse(char *line, struct stack_map *ret);

typedef int (*stack_maps_each)(void *context, const struct stack_map *map);

/*
 * Every executable mapping in the order of addresses, until `each` returns non-zero, which is
 * returned. −ESRCH when the process is gone.
 */
int stack_maps_read(pid_t pid, stack_maps_each each, void *context);

/* Executable pages, as the kernel counts them in mm->exec_vm; 0 when it does not say. */
uint32_t stack_maps_exec_pages(pid_t pid);

typedef int (*stack_maps_child)(void *context, pid_t pid);

/*
 * Every child process of any thread, until `each` returns non-zero; none where the kernel does
 * not say.
 */
void stack_maps_children(pid_t pid, stack_maps_child each, void *context);

/* True for a process that still runs this very program: a command before its exec. */
bool stack_maps_is_own_program(pid_t pid);

#endif
