/* SPDX-License-Identifier: MIT */
/* What commands that print a story of a trace have in common. */
#ifndef CAIRN_CLI_PAGE_H
#define CAIRN_CLI_PAGE_H

#include "event/source.h"
#include "view/view.h"

/* The terminal's columns within reason, VIEW_WIDTH without one. */
unsigned page_width(void);

/* Options that every such page has: 'p' pid, 'c' comm, 'n' top, 'w' width, 'C' color. */
int page_option(struct view_options *o, int option, const char *argument);

struct page_syntax {
	const char *command, *usage;
	const char *letters;          /* as getopt(3) wants them */
	const struct option *options; /* as getopt_long(3) does; `val` is the letter */
	int (*take)(void *context, int option, const char *argument); /* 0 or negative */
	int words_min, words_max;                                     /* what follows the options */
};

/* COMMAND_FINE with `optind` at the first word, −1 after --help, else COMMAND_USAGE. */
int page_parse(const struct page_syntax *syntax, int argc, char **argv, void *context);

/*
 * Reads the source, which belongs to the trace, to its end with all analyses, and has the story
 * printed: of a damaged one what came before the damage. The source is closed, also on failure.
 */
int page_tell(const char *command, const struct source *trace, struct source *source,
	      struct view_options *o,
	      int (*print)(void *context, const struct story *story, struct err *e), void *context,
	      struct err *e);

/* The whole page to stdout. */
int page_write(const struct text *page, struct err *e);

#endif
