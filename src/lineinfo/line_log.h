/* SPDX-License-Identifier: MIT */
/* Puts lines of source into a log, out of tables alone. */
#ifndef CAIRN_LINEINFO_LINE_LOG_H
#define CAIRN_LINEINFO_LINE_LOG_H

#include "lineinfo/line_frame.h"
#include "util/text.h"

struct line_log {
	struct line_reader *readers;
	size_t reader_count;
	enum line_mood mood;
	uint64_t frames, answered;
};

/*
 * The line, which ends with NUL, with " (file:line)" behind every place the tables know. A place
 * that is told by a name that several functions of that size have gets each of theirs, with "or".
 */
void line_log_decode(struct line_log *l, const char *line, struct text *out);

/* "file:12", "file:?" for code of no certain line, "??:0" without an answer; "~" when not exact. */
void line_log_print_site(struct line_reader *r, const struct line_question *q, struct text *out);

#endif
