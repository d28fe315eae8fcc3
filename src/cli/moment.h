/* SPDX-License-Identifier: MIT */
/* Times as users type them. */
#ifndef CAIRN_CLI_MOMENT_H
#define CAIRN_CLI_MOMENT_H

#include "event/source.h"

/*
 * "12.345678901" as `cairn dump` prints it, "+1.5s" from the trace's begin, or a duration such as
 * text_parse_duration() knows. 0, or -EINVAL.
 */
int moment_parse(const char *text, uint64_t begin_ns, uint64_t *ret);

static inline bool moment_is_relative(const char *text)
{
	return text && *text == '+';
}

/* When the first packet of a trace began; 0 when no packet tells. */
uint64_t moment_trace_begin(const struct source *trace);

#endif
