/* SPDX-License-Identifier: MIT */
/*
 * The markers of a file or of a running process, and how to switch them.
 *
 * Both are read the same way: program headers, the notes they lead to, descriptions in these
 * (marker/marker_note.h). A process is read in its memory, so that what it runs is what is
 * listed, whatever became of the files. Nothing read is trusted.
 */
#ifndef CAIRN_SWITCHBOARD_BOARD_H
#define CAIRN_SWITCHBOARD_BOARD_H

#include "marker/marker_note.h"
#include "ring/ring_share.h"
#include "util/array.h"
#include "util/err.h"

#include <sys/types.h>

struct board_marker {
	struct marker_note note; /* its strings are in the module's notes */
	const void *description;
	size_t bytes;
	uint64_t word;    /* address; 0 in a file */
	uint16_t tracers; /* of the SystemTap kind */
	uint16_t id;      /* of a recording, 0 = off */
};

/* A program or library. */
struct board_module {
	char *path;
	uint64_t base;          /* address of its ELF header; 0 in a file */
	uint64_t control, page; /* marker/marker_control.h; 0 without the runtime */
	uint8_t *notes;
	ARRAY(struct board_marker) markers;
};

struct board {
	pid_t pid;                          /* 0: a file */
	int fd;                             /* the file, or the process's memory */
	ARRAY(struct board_module) modules; /* those with markers or the runtime */
};

int board_open_file(struct board *ret, const char *path, struct err *e);
int board_open_process(struct board *ret, pid_t pid, struct err *e);
void board_close(struct board *b);

/*
 * In a process, with all its threads stopped for the time of it: markers that the share's patterns
 * want get ids and the process the path of the rings; with `share` NULL all are switched off.
 * `*count_ret` is how many markers were.
 */
int board_switch(pid_t pid, struct ring_share *share, const char *path, size_t *count_ret,
		 struct err *e);

#endif
