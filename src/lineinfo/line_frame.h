/* SPDX-License-Identifier: MIT */
/*
 * The places of code that a line of a log names: of a kernel's oops, warning or lockdep report,
 * of /proc/PID/stack, of glibc's backtrace_symbols(), of a sanitizer without symbols.
 */
#ifndef CAIRN_LINEINFO_LINE_FRAME_H
#define CAIRN_LINEINFO_LINE_FRAME_H

#include "lineinfo/line_reader.h"

/* What the lines before say of the next instruction pointer. */
enum line_mood {
	LINE_MOOD_SAMPLE, /* it may be anywhere: a lockup, a dump on demand */
	LINE_MOOD_FAULT,  /* it could not go on */
};

/* A word of a line; not terminated. */
struct line_word {
	const char *text;
	size_t bytes;
};

struct line_frame {
	struct line_word function; /* empty: `offset` is an address of the object */
	struct line_word object;   /* a module's name or a program's path; empty: the kernel */
	uint64_t offset;
	uint64_t size; /* of the function, with what fills up behind it; 0: not said */
	enum line_asked asked;
	const char *end; /* behind what names it: where a line of source may be put */
};

/* The next place at or behind `at` in a line that ends with NUL; false when there is no more. */
bool line_frame_next(const char *line, const char *at, enum line_mood mood, struct line_frame *ret);

/* The mood after this line. */
enum line_mood line_mood_after(enum line_mood mood, const char *line);

#endif
