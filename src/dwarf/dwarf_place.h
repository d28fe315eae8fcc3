/* SPDX-License-Identifier: MIT */
/*
 * From an address to the places of source it stands for, read from DWARF as it is asked for.
 *
 * Not thread-safe. Strings belong to the object and live until it is closed.
 */
#ifndef CAIRN_DWARF_DWARF_PLACE_H
#define CAIRN_DWARF_DWARF_PLACE_H

#include "elf/elf_file.h"

struct dwarf_places;

struct dwarf_place {
	const char *function;  /* linkage name where there is one; NULL when no function is here */
	const char *file;      /* NULL when unknown */
	const char *directory; /* the compiler's working directory, or NULL */
	unsigned line;         /* 0: code of no line */
	bool is_inlined;       /* into the next place */
};

/* `f` holds the debug information and must outlive the places. */
int dwarf_places_open(struct elf_file *f, struct dwarf_places **ret, struct err *e);
void dwarf_places_close(struct dwarf_places *p);

/*
 * The place of an address as linked, innermost first, then where it was inlined into, at most
 * `max`; 0 when the debug information says nothing of it.
 */
size_t dwarf_places_find(struct dwarf_places *p, uint64_t address, struct dwarf_place *ret,
			 size_t max);

#endif
