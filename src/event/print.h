/* SPDX-License-Identifier: MIT */
/*
 * Events for people and for programs.
 *
 *	[   12.345678901] cpu1  tid 1234     sched_switch  prev_tid=1234 next_tid=0 prev_state=1
 *
 * Enumerations by label, addresses in hex, text in quotes, the context in braces in front of the
 * fields; where a field cannot be read, "?" ends the line. A loss is a line of its own.
 */
#ifndef CAIRN_EVENT_PRINT_H
#define CAIRN_EVENT_PRINT_H

#include "event/event.h"
#include "util/out.h"
#include "util/text.h"

struct print;

int print_create(struct print **ret, struct err *e);
void print_destroy(struct print *p);

/* One line, with its end; without memory the line says so. */
void print_text(struct print *p, struct out *o, const struct event *e);

/* One JSON object on a line: time_ns, cpu, tid, event, context, fields. */
void print_json(struct text *out, const struct event *e);

#endif
