/* SPDX-License-Identifier: MIT */
/* Puts a program's own table into it. */
#ifndef CAIRN_LINEINFO_LINE_EMBED_H
#define CAIRN_LINEINFO_LINE_EMBED_H

#include "util/err.h"

#include <stddef.h>

/* Replaces the program by one with the table in LINE_SECTION; objcopy of binutils does it. */
int line_embed(const char *program, const void *table, size_t bytes, struct err *e);

#endif
