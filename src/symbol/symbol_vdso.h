/* SPDX-License-Identifier: MIT */
/* The code the kernel maps into every process: readable from our own memory. */
#ifndef CAIRN_SYMBOL_SYMBOL_VDSO_H
#define CAIRN_SYMBOL_SYMBOL_VDSO_H

#include "elf/elf_file.h"

int symbol_vdso_open(struct elf_file **ret, struct err *e);

#endif
