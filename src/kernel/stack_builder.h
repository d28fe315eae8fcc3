/* SPDX-License-Identifier: MIT */
/*
 * Makes unwind tables beside the recording: a thread, so that no large file holds up the drain.
 *
 * Files of the processes a recording is about are urgent and made at once. Those of strangers,
 * small ones first, may take a twentieth of one cpu: what is not used adds up to 100 ms, and a file
 * that would take more waits for a full account and overdraws it.
 */
#ifndef CAIRN_KERNEL_STACK_BUILDER_H
#define CAIRN_KERNEL_STACK_BUILDER_H

#include "kernel/stack_source.h"

#include <stdint.h>

struct stack_builder;

/* A job that is done: a table, or why there is none. */
struct stack_built {
	uint32_t file;             /* the asker's number */
	char *name;                /* as the asker gave it; freed by whoever takes it */
	int status;                /* as stack_source.build() says */
	struct unwind_image image; /* freed by whoever takes it */
	struct err refusal;        /* when status < 0 */
};

int stack_builder_open(struct stack_builder **ret, const struct stack_source *source,
		       struct err *e);

/* Waits for the job at work; what is still to be made stays undone. */
void stack_builder_close(struct stack_builder *b);

/* `fd` is duplicated; `entries` says how much there is to do: entries of .eh_frame, about. */
int stack_builder_add(struct stack_builder *b, uint32_t file, int fd, const char *name,
		      uint64_t entries, bool urgent);

/* A file asked for earlier has become urgent. */
void stack_builder_urge(struct stack_builder *b, uint32_t file);

/* To be called now and then: strangers' files may be made again when time has passed. */
void stack_builder_step(struct stack_builder *b);

/* False when nothing has been done since. */
bool stack_builder_take(struct stack_builder *b, struct stack_built *ret);

/* Until nothing urgent (`all`: nothing) is left to do, or the time is over. */
void stack_builder_wait(struct stack_builder *b, bool all, unsigned max_ms);

/* Time of the cpu all builds took. */
uint64_t stack_builder_spent_ns(struct stack_builder *b);

#endif
