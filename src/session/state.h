/* SPDX-License-Identifier: MIT */
/*
 * What the tool knows beside the rings: who lives, how they are called, what is mapped where,
 * which files are open, what interrupts and disks are called.
 *
 * Read from /proc once at the start, kept up to date by the life stream's news, told to the trace
 * in a stream of its own that nothing overwrites. Streaming writes what is new; a snapshot writes
 * all. A process that is gone stays as long as the rings may still speak of it. Nothing here
 * fails because a process vanished or hides its maps; how many hid is counted.
 */
#ifndef CAIRN_SESSION_STATE_H
#define CAIRN_SESSION_STATE_H

#include "packet/packet.h"
#include "event/schema.h"
#include "kernel/clock.h"
#include "kernel/recorder_abi.h"
#include "util/array.h"
#include "util/map.h"

#include <sys/types.h>

enum {
	STATE_PATH_BYTES = 256,
	STATE_ARGS_BYTES = 1024,
	STATE_BUILD_ID_BYTES = 132,
	STATE_GONE_MAX = 65536, /* dead processes kept */
	STATE_ANCHORS_MAX = 1024,
};

struct state_thread {
	pid_t tid;
	char name[16];
	bool is_kernel;
	uint64_t since_ns;
	bool written;
};

struct state_map {
	uint64_t start, end, offset;
	const char *path; /* of the state's files, not owned */
	const char *build_id;
	uint64_t since_ns;
	bool written;
};

struct state_fd {
	int fd;
	char *path;
	uint64_t since_ns;
	bool written;
};

struct state_process {
	pid_t pid, parent;
	char *args; /* the command line, or what exec named */
	uint64_t args_ns;
	bool args_written;
	bool is_target;
	uint64_t gone_ns;    /* 0 while it lives */
	uint64_t look_at_ns; /* when to read its maps again; 0: no more */
	unsigned looks;      /* since its exec */
	ARRAY(struct state_thread) threads;
	ARRAY(struct state_map) maps;
	ARRAY(struct state_fd) fds;
};

struct state_file { /* one mapped file, by device, inode and time of change */
	char *path;
	char build_id[STATE_BUILD_ID_BYTES];
};

struct state_anchor { /* one moment on all clocks */
	struct clock_anchor clock;
	bool written;
};

struct state {
	struct map processes; /* pid → struct state_process * */
	struct map files;     /* hash → struct state_file * */
	size_t gone_count;
	uint64_t hidden_maps; /* processes whose maps could not be read */
	bool machine_written;
	bool use_tsc;
	ARRAY(struct state_anchor) anchors; /* about one a second, the last STATE_ANCHORS_MAX */
};

int state_create(struct state **ret, struct err *e);
void state_destroy(struct state *s);

/* The state stream's event types, stream class RECORDER_STREAM_STATE. */
int state_schema(struct schema *s, struct err *e);

/* A process the recording is about; what it forks is too. Before or after the scan. */
int state_add_target(struct state *s, pid_t pid, uint64_t now_ns, struct err *e);

/* All of /proc. */
int state_scan(struct state *s, uint64_t now_ns, struct err *e);

/* One record of the life stream; a rung_news. `state` is a struct state. */
void state_news(void *state, enum recorder_event id, uint64_t time_ns, const void *payload);

/* Reads maps and open files again where that is due. */
void state_refresh(struct state *s, uint64_t now_ns);
void state_refresh_targets(struct state *s, uint64_t now_ns); /* now, not when due */

/* Takes an anchor of the clocks, if `now` or when a second has gone. */
void state_anchor_clocks(struct state *s, uint64_t now_ns, bool now);

/* What is not written yet, or everything. Packets go to the builder's sink. */
int state_write(struct state *s, struct packet *out, bool everything, uint64_t now_ns,
		struct err *e);

/* What a recorder says of itself at the end; fields of cairn_recorder. */
struct state_recorder {
	uint64_t cpu_ns, wall_ns, events, lost, misses, probe_ns;
};
int state_write_recorder(struct packet *out, const struct state_recorder *r, uint64_t now_ns,
			 struct err *e);
int state_write_irq(struct packet *out, int irq, const char *name, const char *action,
		    uint64_t now_ns, struct err *e);
int state_write_disk(struct packet *out, uint32_t dev, const char *name, uint64_t now_ns,
		     struct err *e);
int state_write_symbol(struct packet *out, uint64_t address, const char *name, uint64_t offset,
		       uint64_t now_ns, struct err *e);

/* Streaming: drops processes that are gone and written. Flight: the oldest dead above the limit. */
void state_forget(struct state *s, bool written_only);

/* --- between the files of the state ---------------------------------------------------------- */

struct state_process *state_process(struct state *s, pid_t pid); /* found or new; NULL: no memory */
struct state_thread *state_thread(struct state_process *p, pid_t tid); /* likewise */
void state_read_process(struct state *s, struct state_process *p, uint64_t now_ns);
void state_read_maps(struct state *s, struct state_process *p, uint64_t now_ns);
void state_read_fds(struct state_process *p, uint64_t now_ns);
int state_write_machine(struct packet *out, uint64_t now_ns, struct err *e);

#endif
