/* SPDX-License-Identifier: MIT */
/* The running kernel's functions by address, as /proc/kallsyms lists them. */
#ifndef CAIRN_SYMBOL_KALLSYMS_H
#define CAIRN_SYMBOL_KALLSYMS_H

#include "util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kallsyms;

struct kallsyms_symbol {
	uint64_t start;
	const char *name;
	const char *module; /* "" for the kernel itself */
};

/* -EPERM when the kernel hides its addresses (kernel.kptr_restrict), with a sentence. */
int kallsyms_open(struct kallsyms **ret, struct err *e);

/* The same from text in that format. */
int kallsyms_parse(const char *text, size_t bytes, struct kallsyms **ret, struct err *e);
void kallsyms_close(struct kallsyms *k);

/* The function around an address; false outside of the kernel's and its modules' code. */
bool kallsyms_find(const struct kallsyms *k, uint64_t address, struct kallsyms_symbol *ret);

#endif
