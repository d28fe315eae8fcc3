/* SPDX-License-Identifier: MIT */
/*
 * Names for a view's addresses, from the address spaces the trace tells of and this machine's
 * files. The analysis gathers them; without it in the story, addresses stay numbers.
 */
#ifndef CAIRN_VIEW_VIEW_NAMES_H
#define CAIRN_VIEW_VIEW_NAMES_H

#include "view/view.h"

struct symbol;

extern const struct analysis analysis_names;

/* Valid as long as the story. */
struct view_names view_names_of(const struct story *story);

/* Who knows them: for the sentences on files without lines. NULL without the analysis. */
struct symbol *view_names_symbol(const struct story *story);

#endif
