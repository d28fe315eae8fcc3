/* SPDX-License-Identifier: MIT */
/*
 * Where in which file a function's probe belongs. The kernel puts its breakpoint wherever it is
 * told, so what is no beginning of an instruction is refused here.
 */
#ifndef CAIRN_KPROBE_UPROBE_PLACE_H
#define CAIRN_KPROBE_UPROBE_PLACE_H

#include "util/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uprobe_place {
	char path[PATH_MAX]; /* absolute */
	uint64_t offset;     /* in the file */
	bool in_red_zone;    /* of uprobe_risk.h: a call there may overwrite values */
};

/*
 * `file` is a path, a program in PATH, or a library's name ("libc.so.6"). At offset 0 the place is
 * behind the landing pad of indirect branches, if there is one.
 */
int uprobe_place_find(const char *file, const char *function, uint64_t offset,
		      struct uprobe_place *ret, struct err *e);

#endif
