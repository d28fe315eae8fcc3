/* SPDX-License-Identifier: MIT */
/*
 * The tool's side of user stacks: gives the walker in the kernel (kernel/stack.bpf.h) the lists
 * and tables it misses, and takes lists away that no process uses any more.
 *
 * The processes a recording is about are made ready before it; anybody else's tables when they are
 * missed, beside the recording: their first sleeps have only what can be walked by then. What does
 * not fit is left out and counted.
 */
#ifndef CAIRN_KERNEL_STACK_TABLES_H
#define CAIRN_KERNEL_STACK_TABLES_H

#include "kernel/stack_files.h"

#include <bpf/libbpf.h>

struct stack_tables;

struct stack_totals {
	uint32_t files;    /* with a table */
	uint32_t kept;     /* of these, those the source had already */
	uint32_t without;  /* files that do not describe their frames */
	uint32_t refused;  /* whose table does not fit, or could not be made */
	uint32_t lists;    /* of processes, now */
	uint32_t overfull; /* times a list had no room */
	uint64_t space_bytes;
	uint64_t build_ns;
	const char *refusal; /* why the last one was refused, "" without one */
};

/* Before loading: room for tables if `on`, else none and no walk. */
int stack_tables_size(struct bpf_object *object, bool on, struct err *e);

/* After loading. */
int stack_tables_open(struct stack_tables **ret, struct bpf_object *object,
		      const struct stack_source *source, struct err *e);
void stack_tables_close(struct stack_tables *t);

/*
 * Before the recording: lists and tables for these processes and their children. A few ms where
 * the source has the tables, at most 3 s where it must make them.
 */
void stack_tables_prepare(struct stack_tables *t, const pid_t *pids, size_t count);

/* Reads the process's memory map and gives the kernel its list. −ESRCH when it is gone. */
int stack_tables_add_process(struct stack_tables *t, pid_t pid);

/*
 * Serves what was missed since the last call; to be called every 10 to 100 ms. Begins no other
 * process after 20 ms, the rest waits for the next call.
 */
void stack_tables_service(struct stack_tables *t);

void stack_tables_totals(const struct stack_tables *t, struct stack_totals *ret);

#endif
