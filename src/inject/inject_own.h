/* SPDX-License-Identifier: MIT */
/* What the files of this part share. */
#ifndef CAIRN_INJECT_INJECT_OWN_H
#define CAIRN_INJECT_INJECT_OWN_H

#include "inject/inject.h"
#include "inject/inject_call.h"
#include "inject/inject_maps.h"
#include "inject/inject_record.h"
#include "patch/patch_site.h"
#include "switchboard/halt.h"

enum { INJECT_TRIES = 5, INJECT_REACH = 0x7f000000 };

static const uint64_t inject_wait_ns = 500000000;

/* A mapping of ours, in the process. */
struct inject_left {
	uint64_t start, end;
	bool is_code; /* somebody may be in it; the rest is needed while anybody is */
};

struct inject {
	pid_t pid;
	int mem;             /* /proc/PID/mem */
	uint64_t syscall_at; /* a syscall instruction of its vDSO */
	bool has_shadow_stack;
	bool has_handlers; /* of signals: there may be frames on stacks */
	ARRAY(struct inject_batch *) batches;
	ARRAY(struct inject_left) lingering; /* I4 */
};

/* A mapping of trampolines, as it is made here and as it will be there. */
struct inject_piece {
	uint64_t remote, bytes;
	uint8_t *content;
	size_t used;
};

struct inject_batch {
	ARRAY(struct patch_site) sites; /* sorted by address */
	ARRAY(struct inject_piece) pieces;
};

void inject_batch_destroy(struct inject_batch *b);

/* -ESRCH: the program has ended, or become another one. */
int inject_read(const struct inject *i, uint64_t address, void *data, size_t bytes, struct err *e);
int inject_write(const struct inject *i, uint64_t address, const void *data, size_t bytes,
		 struct err *e);

/* The number after a name such as "TracerPid:" of a thread's status; 0 without it. */
uint64_t inject_status(pid_t pid, pid_t tid, const char *name, int base);

/* The head of a record that this tool makes (inject_record.h). */
struct inject_record inject_record_begin(size_t site_count);

/* When a process began, in ticks since boot; false when there is none. */
bool inject_started(pid_t pid, uint64_t *ret);

/*
 * In a process apart. From here to the session's end the process is ours alone: one of its threads
 * is held, and runs as if nothing was the matter except while it works for us.
 */
int inject_session_begin(const struct inject *i, struct halt *ret, struct err *e);
void inject_session_end(struct halt *held);
int inject_worker_begin(const struct inject *i, struct halt *held, struct inject_call *call,
			struct err *e);
int inject_worker_end(struct halt *held, struct inject_call *call, struct err *e);

/*
 * Maps regions at the places they name, or anywhere; -EEXIST when one of them is taken by now.
 * In a process apart.
 */
int inject_map_regions(const struct inject *i, struct inject_call *call,
		       struct inject_region *regions, size_t count, struct err *e);

/* Over code that cannot be written, by a thread that works for us if nothing else helps. */
int inject_write_unprotected(const struct inject *i, struct inject_call *call, uint64_t address,
			     const void *data, size_t bytes, struct err *e);

struct inject_change {
	uint64_t address;
	const uint8_t *data;
	size_t bytes;
};

/* All threads are stopped. `*done_ret` gets how many were written, also after an error. */
int inject_write_text(const struct inject *i, const struct halt *halted,
		      const struct inject_change *changes, size_t count, size_t *done_ret,
		      struct err *e);

/* Where a mapping for code of [span.start, span.end) can be. */
struct patch_range inject_window(struct patch_range span);

/* Plans, emits and places a batch's trampolines; sets the sites' ways. Nothing is changed there. */
int inject_build(const struct inject *i, struct inject_site *sites, size_t count,
		 struct inject_batch *ret, struct err *e);

/*
 * Takes back what `sites` wrote and unmaps what it can of `pieces`; the rest is put into
 * `lingering`. In a process apart.
 */
struct inject_removal {
	struct inject *i;
	const struct patch_site *sites;
	size_t site_count;
	ARRAY(struct inject_left) pieces;
	struct inject_stats *stats;
};

int inject_remove(struct inject_removal *r, struct err *e);

#endif
