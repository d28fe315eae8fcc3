/* SPDX-License-Identifier: MIT */
/*
 * What killed recorders left in the kernel, brought into their traces.
 *
 * A streaming trace continues where it ended: packets it has are passed over, so that nothing is
 * there twice and nothing is missing. A flight recorder's rings become the snapshot it could not
 * write, with the names of those who live now. Then the rings go.
 */
#ifndef CAIRN_SESSION_RESCUE_H
#define CAIRN_SESSION_RESCUE_H

#include "util/err.h"

#include <stdint.h>

struct rescue {
	const char *trace;
	uint64_t events;
	struct err trouble; /* why not all is there; code 0 without any */
};

/*
 * Every dead recording of this user, or only the one of the trace `path`. Told of each that had
 * something to rescue.
 */
int rescue_dead(const char *path, void (*tell)(void *context, const struct rescue *rescued),
		void *context, struct err *e);

#endif
