/* SPDX-License-Identifier: MIT */
/* `cairn list markers`: of a file, or of a running process. */
#ifndef CAIRN_CLI_LIST_MARKERS_H
#define CAIRN_CLI_LIST_MARKERS_H

#include "util/err.h"
#include "util/json.h"

#include <stdbool.h>
#include <sys/types.h>

/* Into `text`, or into `writer` when it is not NULL. `file` is NULL for process `pid`. */
int list_markers(struct text *text, struct json *writer, const char *file, pid_t pid,
		 struct err *e);

#endif
