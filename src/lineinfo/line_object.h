/* SPDX-License-Identifier: MIT */
/*
 * An object file with its debug information, wherever that is: in it, in a separate file found
 * by build-id or debug link, in debuginfod's cache on this machine; compressed or not.
 *
 * A relocatable object (a kernel module) has its sections laid out one behind the other and its
 * relocations applied, so that an address means one section's byte there too.
 */
#ifndef CAIRN_LINEINFO_LINE_OBJECT_H
#define CAIRN_LINEINFO_LINE_OBJECT_H

#include "util/array.h"
#include "util/err.h"

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdint.h>

enum { LINE_BUILD_ID_BYTES = 20 };

/* A section of code. */
struct line_section {
	const char *name;
	uint64_t address; /* among the object's own */
	uint64_t bytes;
	const uint8_t *code; /* NULL when the file does not hold it */
};

struct line_object {
	Dwfl *dwfl;
	Dwfl_Module *module;
	Elf *elf;
	Dwarf *dwarf;
	bool is_relocatable;
	char *name; /* of a kernel module as the kernel prints it; else the file's base name */
	uint8_t build_id[LINE_BUILD_ID_BYTES];
	unsigned build_id_bytes;
	ARRAY(struct line_section) sections; /* by address */
};

/* -ENODATA, with a sentence, when there are no lines to be had. */
int line_object_open(struct line_object *ret, const char *path, struct err *e);
void line_object_close(struct line_object *o);

#endif
