/* SPDX-License-Identifier: MIT */
/*
 * A file's debug information for whoever puts probes into it: functions and their inlined copies,
 * lines, variables and where they are, types. This is the handle the rest of dwarf/ is asked with.
 *
 * Not thread-safe. Strings and entries belong to the file and live until it is closed.
 */
#ifndef CAIRN_DWARF_DWARF_FILE_H
#define CAIRN_DWARF_DWARF_FILE_H

#include "dwarf/dwarf_scope.h"
#include "elf/elf_file.h"
#include "util/arena.h"

/* An instance of a function: out of line, or where a call was replaced by its body. */
struct dwarf_function {
	const char *name;    /* as in the source, without namespaces */
	const char *linkage; /* as linked, where that is another name; else NULL */
	uint64_t entry;
	bool is_inlined;
	Dwarf_Die die;
};

struct dwarf_global {
	const char *name;
	Dwarf_Die die;
};

struct dwarf_file {
	struct elf_file *code;
	Dwarf *dwarf;
	Dwarf_CFI *frames;       /* .eh_frame of the code, or NULL */
	Dwarf_CFI *debug_frames; /* .debug_frame, or NULL; the DWARF's */
	struct dwarf_units units;
	ARRAY(struct dwarf_function) functions; /* as they come */
	ARRAY(struct dwarf_global) globals;     /* by name; those with a place or a value */
	ARRAY(struct dwarf_global) structures;  /* by name; complete ones, read when asked for */
	bool structures_read;
};

/* `code` has the program, `debug` the debug information; may be the same; both must outlive it. */
int dwarf_file_open(struct elf_file *code, struct elf_file *debug, struct dwarf_file **ret,
		    struct err *e);
void dwarf_file_close(struct dwarf_file *f);

/* The ranges of an instance's code: 1, or 0 at the end; `*at` begins as 0. */
int dwarf_function_next(const struct dwarf_function *f, ptrdiff_t *at, uint64_t *start_ret,
			uint64_t *end_ret);

/* Outside of all functions; of several ones of a name, one of the unit `die` is in, if any. */
bool dwarf_file_global(struct dwarf_file *f, const char *name, Dwarf_Die *unit, Dwarf_Die *ret);

/* The whole of a structure or union that is only declared somewhere. */
bool dwarf_file_structure(struct dwarf_file *f, const char *name, Dwarf_Die *ret);

#endif
