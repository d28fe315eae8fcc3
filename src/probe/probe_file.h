/* SPDX-License-Identifier: MIT */
/*
 * A program or library as a place for probes: its functions by all their names, its code, its
 * debug information where there is some, on this machine's disk.
 */
#ifndef CAIRN_PROBE_PROBE_FILE_H
#define CAIRN_PROBE_PROBE_FILE_H

#include "dwarf/dwarf_file.h"
#include "inject/inject_code.h"

/* One instance of a function. */
struct probe_function {
	const char *name; /* whole: "shop::cart::add" */
	const char *last; /* its last part: "add" */
	uint64_t start;
	uint64_t end;                       /* 0: the debug information has the ranges */
	const struct dwarf_function *dwarf; /* NULL without debug information */
	bool is_inlined;
};

struct probe_file {
	char *path;
	struct elf_file *code;
	struct elf_file *debug;   /* a separate file, or NULL */
	struct dwarf_file *dwarf; /* NULL: none, `problem` says why */
	struct inject_code *image;
	ARRAY(struct probe_function) functions; /* by address */
	struct arena *arena;
	struct err problem;
};

int probe_file_open(const char *path, struct probe_file **ret, struct err *e);
void probe_file_close(struct probe_file *f);

/* The function out of line that begins at, or is around, an address; NULL when there is none. */
const struct probe_function *probe_file_function(const struct probe_file *f, uint64_t address);

/* The code at an address, and how much of it follows; NULL outside of the file's code. */
const uint8_t *probe_file_bytes(const struct probe_file *f, uint64_t address, size_t *bytes_ret);

#endif
