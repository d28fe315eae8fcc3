/* SPDX-License-Identifier: MIT */
/*
 * Work that a killed tool must not leave half done: it runs in a process of its own, which shares
 * this one's memory and descriptors, while the calling thread waits. Signals to the tool, or its
 * process group, do not reach it; SIGKILL to the tool does not either, and the work ends as if
 * nothing had happened.
 */
#ifndef CAIRN_INJECT_INJECT_APART_H
#define CAIRN_INJECT_INJECT_APART_H

#include "util/err.h"

/* What `work` returns, which leaves its sentence in `e`; -EAGAIN when there is no process. */
int inject_apart(int (*work)(void *context, struct err *e), void *context, struct err *e);

#endif
