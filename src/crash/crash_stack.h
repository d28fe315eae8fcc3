/* SPDX-License-Identifier: MIT */
/*
 * The stack of the thread that a signal interrupted, from its handler.
 *
 * libgcc's unwinder goes up by .eh_frame: its look-up of the object around an address takes no lock
 * (_dl_find_object). On a smashed stack it may fault itself: then what was found until there is
 * all there is.
 */
#ifndef CAIRN_CRASH_CRASH_STACK_H
#define CAIRN_CRASH_CRASH_STACK_H

#include <stdbool.h>
#include <stdint.h>

enum { CRASH_FRAMES_MAX = 128 };

struct crash_frame {
	uint64_t ip;
	bool is_return; /* behind a call */
};

/* Innermost first; `context` is the handler's third argument. Gives their number. */
unsigned crash_stack_walk(const void *context, struct crash_frame ret[static CRASH_FRAMES_MAX]);

/* Called by the handler of SIGSEGV and SIGBUS first: does not return if the walk itself faulted. */
void crash_stack_escape(void);

/* Loads what the first walk would load. */
void crash_stack_prepare(void);

#endif
