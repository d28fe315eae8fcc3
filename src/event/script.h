/* SPDX-License-Identifier: MIT */
/*
 * Events written by hand, for tests of everything that eats events.
 *
 *	static const char story[] =
 *		"10us  cpu0 tid7 sched_switch prev_tid=7 next_tid=8 prev_state=1 prev_comm=sh\n"
 *		"30us  cpu1 irq_handler_entry irq=9 name='my disk'\n"
 *		"31us  cairn_site site=1 ips=[0x401000 0x402000]\n";
 *
 * One line, one event: a time (ns, or with us, ms, s), then cpuN (default: the line before's), tidN
 * (default: whoever the sched_switch events left on that cpu), the name, the fields. A number is a
 * 64-bit integer, [a b c] a sequence of 64-bit words, all else text. An event has the fields its
 * line has, so event_has() answers by line. '#' starts a comment. Times must not go backwards.
 */
#ifndef CAIRN_EVENT_SCRIPT_H
#define CAIRN_EVENT_SCRIPT_H

#include "event/source.h"

/* The whole text is read at once; a mistake is named with its line. */
int script_open(struct source **ret, const char *text, struct err *e);

/* The event types of an open script. */
const struct schema *script_schema(const struct source *source);

/* From the first event again: what analyses with two passes need. */
void script_rewind(struct source *source);

#endif
