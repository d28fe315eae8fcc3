/* SPDX-License-Identifier: MIT */
/* Where the debug information of a stripped file is. Looks at this machine's disk only. */
#ifndef CAIRN_ELF_ELF_DEBUG_H
#define CAIRN_ELF_ELF_DEBUG_H

#include "elf/elf_file.h"

#define ELF_DEBUG_ROOT "/usr/lib/debug"

/*
 * Opens the separate debug file of `f`: by build-id under `root`, then by its debug link beside
 * the file, in .debug/ and under `root`. What is found belongs to the file: same build-id, or
 * same check sum where there is none. -ENOENT when there is none, with a sentence.
 */
int elf_debug_open(struct elf_file *f, const char *root, struct elf_file **ret, struct err *e);

#endif
