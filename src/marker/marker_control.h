/* SPDX-License-Identifier: MIT */
/*
 * What a tool may write into a running program to switch its markers on; the layout is frozen.
 *
 * A note of type MARKER_NOTE_RUNTIME says where both are: s32 the control, s32 the page, from the
 * description's own start. With all threads stopped the tool writes the session's path, then 0 into
 * the page's generation, then ids into the upper halves of the markers' words.
 */
#ifndef CAIRN_MARKER_MARKER_CONTROL_H
#define CAIRN_MARKER_MARKER_CONTROL_H

#include <stdint.h>

enum { MARKER_PATH_BYTES = 128, MARKER_CONTROL_VERSION = 1 };

/* The environment variable that a program's start looks at. */
#define MARKER_SESSION_VARIABLE "CAIRN_SESSION"

struct marker_control {
	uint32_t version;
	uint32_t spare;
	char path[MARKER_PATH_BYTES]; /* of the file of rings; "" without a recording */
};

/* A page of its own: a forked child finds zeros in it. */
struct marker_page {
	uint32_t generation; /* 0: whoever emits next joins the session of the control */
	uint32_t spare[1023];
} __attribute__((aligned(4096)));

_Static_assert(sizeof(struct marker_page) == 4096, "the kernel wipes whole pages");

#endif
