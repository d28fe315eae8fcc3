/* SPDX-License-Identifier: MIT */
/*
 * Showing a story: text for a terminal, JSON for programs.
 *
 * A view turns a story in which all analyses took part into a text; it decides nothing that an
 * analysis should know, and asks the caller for the names of addresses.
 */
#ifndef CAIRN_VIEW_VIEW_H
#define CAIRN_VIEW_VIEW_H

#include "analysis/analysis.h"
#include "util/text.h"

struct view_place {
	const char *function; /* NULL when unknown */
	const char *file;     /* NULL when unknown */
	uint32_t line;
	const char *module; /* NULL when nothing is mapped there */
	uint64_t offset;    /* in the module */
};

/* Who names addresses. The strings stay valid as long as the story is viewed. */
struct view_names {
	void *context;
	/* Of a user address: the innermost function, then those it was inlined into. */
	size_t (*user)(void *context, int32_t pid, uint64_t time_ns, uint64_t ip, bool is_return,
		       struct view_place *ret, size_t max);
	/* Of a kernel function's address; NULL when unknown. */
	const char *(*kernel)(void *context, uint64_t address);
};

struct view_options {
	const char *path;     /* the trace's name, as the user typed it */
	const char *recorder; /* who recorded, NULL when the trace does not say */
	const char *reason;   /* why it was recorded that way, NULL without one */
	bool damaged;         /* the trace could not be read whole */
	bool only_targets;    /* events of other threads were left out: nothing is said of those */
	int32_t pid;          /* only this process; 0: all, or the recording's targets */
	const char *comm;     /* only threads of this name (a glob); NULL: as above */
	unsigned top;         /* rows of the tables, 0: as many as suit a page */
	unsigned width;       /* columns of the page */
	bool color;
	struct view_names names;
};

enum { VIEW_WIDTH = 80, VIEW_WIDTH_MIN = 40 };

struct view {
	const char *name;
	/* Adds to `out`; running out of memory shows in out->failed. */
	void (*print)(const struct story *story, const struct view_options *options,
		      struct text *out);
};

extern const struct view view_text, view_json;

/* Ends with NULL. */
extern const struct view *const view_all[];

#endif
