/* SPDX-License-Identifier: MIT */
/*
 * Lines of source in a running program, out of a table that `cairn lines` made.
 *
 * Link with -lcairn. Nothing here allocates or locks; all of it may be called from the handler of
 * a signal, except cairn_crash_install().
 */
#ifndef CAIRN_LINES_H
#define CAIRN_LINES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CAIRN_LINES_NAME_BYTES = 513 };

/* A table in memory; what is inside is not for others. */
struct cairn_lines {
	uint64_t words[24];
};

struct cairn_line {
	char file[CAIRN_LINES_NAME_BYTES];
	char function[CAIRN_LINES_NAME_BYTES]; /* as linked; "" when the table does not say */
	uint32_t line;                         /* 0: code of no certain line */
	int is_exact; /* the table was built for this kind of address; else the line is near */
};

/* `table` stays where it is and as it is. 0, or -EBADMSG: it is none, or damaged. */
int cairn_lines_open(struct cairn_lines *lines, const void *table, size_t bytes);

/*
 * The line of an address as linked (in memory less where the program was loaded). `is_return`: it
 * is what a call returns to, and the line of the call is meant. `level` 0 is the code itself, 1
 * where the function it is from was inlined, and so on. 1 when there is one, else 0.
 */
int cairn_lines_find(const struct cairn_lines *lines, uint64_t address, int is_return,
		     unsigned level, struct cairn_line *ret);

/*
 * From now on, whatever kills the program by SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGABRT first
 * prints the stack of the thread it came from on standard error, with functions and lines. Then
 * the handler that was there before runs, or the program ends as it would have: with its core.
 *
 * The table is the one that `cairn lines embed` put into the program. The calling thread gets a
 * stack of its own for signals; in other threads the handler runs on what is left of theirs.
 * 0, or a negative errno: -ENOENT when the program carries no table.
 */
int cairn_crash_install(void);

#ifdef __cplusplus
}
#endif

#endif
