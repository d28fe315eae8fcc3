/* SPDX-License-Identifier: MIT */
/*
 * A condition on an event's fields, as a person types it:
 *
 *	prev_prio < 100 && (next_comm ~ "redis*" || !(prev_state & 0x3))
 *
 * Numbers are decimal or 0x…, possibly negative, and compare by the field's own sign; texts are
 * quoted, `==` is the whole text, `~` a pattern with '*' and '?'. `common_pid` is the thread that
 * runs. A condition becomes a probe program (prog/prog.h) over the tracepoint's raw record, and
 * can be said again in the kernel's own filter syntax for recorders that filter there.
 */
#ifndef CAIRN_FILTER_CONDITION_H
#define CAIRN_FILTER_CONDITION_H

#include "prog/prog.h"
#include "util/err.h"
#include "util/text.h"

enum condition_kind {
	CONDITION_NUMBER,
	CONDITION_TEXT,     /* an array of characters */
	CONDITION_TEXT_LOC, /* __data_loc char[] */
	CONDITION_TEXT_REL, /* __rel_loc char[] */
	CONDITION_OTHER,    /* cannot be compared */
};

struct condition_field {
	const char *name;
	uint32_t at; /* in the raw record, as the format file says */
	uint32_t bytes;
	bool is_signed;
	enum condition_kind kind;
};

struct condition;

/*
 * Parses and compiles. `event` is named in sentences about it; the fields are only read during
 * the call. A sentence about the text says the column, counted from 1.
 */
int condition_create(struct condition **ret, const char *text, const char *event,
		     const struct condition_field *fields, size_t field_count, struct err *e);
void condition_destroy(struct condition *c);

/* Lives as long as the condition; prog_check() accepts it. */
const struct prog *condition_prog(const struct condition *c);

/*
 * Appends the condition as a `filter` file of tracefs takes it; -EOPNOTSUPP and a sentence when
 * that syntax cannot say it.
 */
int condition_print_kernel(const struct condition *c, struct text *out, struct err *e);

#endif
