/* SPDX-License-Identifier: MIT */
/* Builds the unwind table (unwind/unwind_abi.h) of an ELF file, for every instruction of it. */
#ifndef CAIRN_LINEINFO_UNWIND_BUILD_H
#define CAIRN_LINEINFO_UNWIND_BUILD_H

#include "unwind/unwind_walk.h"
#include "util/err.h"

/*
 * `name` is for messages. −ENODATA: the file says nothing about its frames, and never will;
 * other codes: it could not be read, or is too large for a table.
 */
int unwind_build_file(struct unwind_image *ret, int fd, const char *name, struct err *e);

#endif
