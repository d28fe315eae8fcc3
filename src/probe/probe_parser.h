/* SPDX-License-Identifier: MIT */
/* Between the parser of places and that of expressions. */
#ifndef CAIRN_PROBE_PROBE_PARSER_H
#define CAIRN_PROBE_PROBE_PARSER_H

#include "probe/probe_spec.h"

struct probe_parser {
	struct probe_spec *to;
	const char *at;
	unsigned depth;
	struct err *e;
};

#define PROBE_FAIL(p, place, format, ...)                                                          \
	err_set((p)->e, EINVAL, "in '%s', column %d: " format, (p)->to->text,                      \
		(int)((place) - (p)->to->text) + 1, ##__VA_ARGS__)

const char *probe_skip_blanks(struct probe_parser *p);

/* Takes the sign if it comes next. */
bool probe_take(struct probe_parser *p, const char *sign);

/* Letters, digits and "_" from here; 0 when none comes next, or a digit. */
size_t probe_word_bytes(const char *at);

/* An expression, as far as it goes. */
int probe_parse_expression(struct probe_parser *p, uint32_t *ret);

#endif
