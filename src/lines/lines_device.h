/* SPDX-License-Identifier: MIT */
/*
 * What `cairn lines load` and the kernel module cairn_lines say to each other, by ioctl() on
 * /dev/cairn_lines.
 */
#ifndef CAIRN_LINES_LINES_DEVICE_H
#define CAIRN_LINES_LINES_DEVICE_H

#include "base/fixed.h"

#define LINES_DEVICE_NAME "cairn_lines"

/* Why a table was refused. */
enum lines_reply {
	LINES_REPLY_FINE,
	LINES_REPLY_DAMAGED,      /* no table of this version, or a damaged one */
	LINES_REPLY_OTHER_KERNEL, /* of another kernel than the running one */
	LINES_REPLY_OTHER_MODULE, /* of another build of a module that is loaded */
	LINES_REPLY_NO_FUNCTIONS, /* a module's table needs names of functions */
	LINES_REPLY_NO_PLACE,     /* this kernel does not say where it was loaded */
	LINES_REPLY_TOO_MANY,     /* sections of code */
};

struct lines_load {
	uint64_t data; /* address of the table */
	uint64_t bytes;
	uint32_t reply;  /* enum lines_reply */
	uint32_t object; /* the one the reply is about */
};

struct lines_status {
	uint64_t bytes; /* of kernel memory: tables, what finds them, the module */
	uint64_t traces;
	uint64_t frames;
	uint64_t failed; /* frames in code of a table that gave no line */
	uint32_t tables;
	uint32_t sections; /* of code that have lines now */
	uint32_t hooks;    /* bits: 1 frames of traces, 2 RIP lines, 4 saved traces */
	uint32_t spare;
};

#define LINES_DEVICE_LOAD   _IOWR('c', 1, struct lines_load)
#define LINES_DEVICE_UNLOAD _IO('c', 2)
#define LINES_DEVICE_STATUS _IOR('c', 3, struct lines_status)

#endif
