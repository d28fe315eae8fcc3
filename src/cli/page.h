/* SPDX-License-Identifier: MIT */
/* What commands that print a story of a trace have in common. */
#ifndef CAIRN_CLI_PAGE_H
#define CAIRN_CLI_PAGE_H

#include "event/source.h"
#include "view/view.h"

enum { PAGE_WIDTH_MAX = 1000 };

/* The terminal's columns within reason, VIEW_WIDTH without one. */
unsigned page_width(void);

/* "auto" leaves *ret. 0 or -EINVAL. */
int page_parse_color(const char *when, bool *ret);

/* Who recorded the trace, how and why that way. */
void page_options_from(struct view_options *o, const struct source *trace);

/* All analyses, and the names of addresses. */
int page_analyse(struct source *source, struct story **ret, struct err *e);

/* Names for the story's addresses: of files, and of this kernel where it is still that boot. */
void page_name_addresses(struct view_options *o, const struct source *trace,
			 const struct story *story);

/* What was damaged, on stderr. */
void page_tell_warnings(const char *command, const struct source *trace);

/* The whole page to stdout. */
int page_write(const struct text *page, struct err *e);

#endif
