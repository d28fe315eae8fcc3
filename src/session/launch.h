/* SPDX-License-Identifier: MIT */
/* A command that waits at its start until the recorder runs. */
#ifndef CAIRN_SESSION_LAUNCH_H
#define CAIRN_SESSION_LAUNCH_H

#include "util/err.h"

#include <sys/types.h>

struct launch {
	pid_t pid;
	int gate;    /* closing it lets the command go */
	int verdict; /* says why exec failed, or ends */
};

/*
 * `argv` is NULL-terminated; the child has its standard files from the caller. A program that is
 * not there is an error now, before anything was recorded.
 */
int launch_prepare(struct launch *ret, char *const *argv, struct err *e);

/* Lets it go; an error when the program cannot be executed (the child is then gone). */
int launch_go(struct launch *l, const char *name, struct err *e);

/* Before launch_go(): the child ends without having run. */
void launch_cancel(struct launch *l);

#endif
