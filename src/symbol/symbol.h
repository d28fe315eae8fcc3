/* SPDX-License-Identifier: MIT */
/*
 * Addresses of a trace → function, file:line.
 *
 * It is fed what the trace says of address spaces (maps, forks, execs, kernel symbols), in any
 * order, and answers for a (process, time, address). A module's file is opened when its first
 * address is asked for and believed only if its build-id is the one in the trace. What cannot be
 * resolved says why; nothing is guessed. Looks at this machine's disk, never at the network.
 *
 * Strings in a place belong to the symbol object and live until symbol_destroy().
 */
#ifndef CAIRN_SYMBOL_SYMBOL_H
#define CAIRN_SYMBOL_SYMBOL_H

#include "event/event.h"
#include "util/err.h"
#include "util/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol;

struct symbol_place {
	const char *function; /* demangled, without parameters; NULL when unknown */
	const char *file;     /* below the directory it was compiled in, else whole; NULL … */
	uint32_t line;        /* 0 when unknown, or code that belongs to no line */
	bool is_inlined;      /* into the next place of symbol_find_all() */
	bool is_kernel;
	const char *module;     /* base name of the file, "[vdso]", "kernel"; NULL when unmapped */
	uint64_t module_offset; /* in that file; in the kernel, from the function's start */
	const char *reason;     /* why there is no function or no line; NULL with both */
};

int symbol_create(struct symbol **ret, struct err *e);
void symbol_destroy(struct symbol *s);

/* Where separate debug files are, instead of /usr/lib/debug. */
int symbol_set_debug_root(struct symbol *s, const char *directory, struct err *e);

/* --- what the trace says ------------------------------------------------------------------- */

/* Any event: takes what it needs of cairn_process_map, fork, exec and cairn_kernel_symbol. */
int symbol_feed(struct symbol *s, const struct event *event, struct err *e);

struct symbol_map {
	int32_t pid;
	uint64_t time_ns; /* known since */
	uint64_t start, end;
	uint64_t offset; /* in the file */
	const char *path;
	const char *build_id; /* hexadecimal digits, "" when unknown */
};

int symbol_add_map(struct symbol *s, const struct symbol_map *map, struct err *e);
int symbol_add_fork(struct symbol *s, int32_t parent_pid, int32_t child_pid, uint64_t time_ns,
		    struct err *e);
int symbol_add_exec(struct symbol *s, int32_t pid, uint64_t time_ns, struct err *e);
int symbol_add_kernel(struct symbol *s, uint64_t address, const char *name, uint64_t offset,
		      struct err *e);

/*
 * Lets the running kernel answer for addresses the trace has no name for; only when it still is
 * the boot that was traced (/proc/sys/kernel/random/boot_id as the trace kept it).
 */
int symbol_use_running_kernel(struct symbol *s, const char *boot_id, struct err *e);

/* --- the question -------------------------------------------------------------------------- */

/*
 * The innermost place of an address. `is_return`: the address is where a call returns to, so the
 * call before it is meant. Always fills `*ret`; true when it has a function or a line.
 */
bool symbol_find(struct symbol *s, int32_t pid, uint64_t time_ns, uint64_t ip, bool is_return,
		 struct symbol_place *ret);

/* The same with the functions it was inlined into, innermost first; at least one, at most `max`. */
size_t symbol_find_all(struct symbol *s, int32_t pid, uint64_t time_ns, uint64_t ip, bool is_return,
		       struct symbol_place *ret, size_t max);

/* "function  file:line", or the part of it that is known: "function", "module+0x12", "0x7f…". */
void symbol_print(const struct symbol_place *place, uint64_t ip, struct text *t);

/* The next sentence on a module without lines, NULL after the last; `*at` begins with 0. */
const char *symbol_next_problem(const struct symbol *s, size_t *at);

#endif
