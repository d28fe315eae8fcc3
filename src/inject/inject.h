/* SPDX-License-Identifier: MIT */
/*
 * Probes in a running process, put there from outside: nothing is loaded into it, no thread,
 * handler or lock of it is used. What runs in it are a few system calls of one stopped thread.
 *
 * I1  Original code changes only while all threads are stopped; whoever stands in bytes that
 *     change, or will come back to them from a signal handler, is moved to the copy first.
 * I2  Bytes are written only over what the file says is there, and taken back only if they are
 *     what was written.
 * I3  What a killed tool leaves is whole: it is found by its name in /proc/PID/maps, says itself
 *     how to take it back (inject_record.h), and does no harm until then.
 * I4  Trampolines go only when no thread's registers or stack point into them.
 *
 * A child of fork has its parent's probes, as it has its parent's code; an exec drops all, and
 * everything here then says -ESRCH.
 */
#ifndef CAIRN_INJECT_INJECT_H
#define CAIRN_INJECT_INJECT_H

#include "inject/inject_code.h"

#include <stdbool.h>
#include <sys/types.h>

#define INJECT_NAME "cairn"

struct inject;

/* What keeps this process from being probed is said. */
int inject_open(pid_t pid, struct inject **ret, struct err *e);

/* Forgets the process; what is in it stays. */
void inject_close(struct inject *i);

/* What code that runs in the process wants to know of it. */
struct inject_facts {
	bool has_rseq; /* of all threads, at the same place */
	bool has_tid;
	int32_t rseq_offset; /* from the thread pointer (fs) */
	int32_t tid_offset;  /* to the 32-bit number of the thread, as its C library has it */
	uint32_t rseq_signature;
	bool has_shadow_stack;
	pid_t pid_inside; /* as the process itself sees it */
};

int inject_describe(struct inject *i, struct inject_facts *ret, struct err *e);

/*
 * A file of code in the process, by its path, or its name, which may lack the end of its version;
 * NULL: the program.
 */
struct inject_module {
	struct inject_code *code;
	uint64_t bias; /* where it runs is so far above where it was linked */
};

int inject_module_open(struct inject *i, const char *path, struct inject_module *ret,
		       struct err *e);
void inject_module_close(struct inject_module *m);

enum inject_kind {
	INJECT_SHARED, /* read and written in both processes; and by its children */
	INJECT_CODE,   /* read and run; `data` is what is in it */
	INJECT_DATA,   /* read and written there; `data` is what is in it */
	INJECT_WIPED,  /* zeros, and zeros again in every child */
};

struct inject_region {
	enum inject_kind kind;
	uint64_t bytes;   /* of whole pages */
	uint64_t near;    /* within reach of a 32-bit distance from here; 0: anywhere */
	const void *data; /* `bytes` of them; NULL: zeros */
	uint64_t remote;  /* is set: where it is in the process */
	void *local;      /* is set for INJECT_SHARED; the caller unmaps it */
};

/* All of them or none. They stay until inject_clean(). */
int inject_map(struct inject *i, struct inject_region *regions, size_t count, struct err *e);

struct inject_site {
	const struct inject_module *module;
	uint64_t address; /* as linked */
	/* Emits the probe; may be called more than once, for different addresses. */
	int (*emit)(void *user, struct emit *out);
	void *user;
	/* Are set: what became of it. */
	enum patch_way way; /* PATCH_UPROBE: nothing was done, the kernel can do it */
	enum patch_reason reason;
};

struct inject_batch;

struct inject_stats {
	uint64_t stopped_ns; /* for how long all threads stood still */
	size_t threads, moved;
	size_t foreign;   /* sites whose bytes were no longer ours, left as they are */
	size_t lingering; /* mappings that somebody may still be in */
};

/* All sites in one stop. `*ret` is NULL when none of them takes a jump. */
int inject_attach(struct inject *i, struct inject_site *sites, size_t count,
		  struct inject_batch **ret, struct inject_stats *stats, struct err *e);

/* Takes a batch's probes out. `b` is gone, also after an error. */
int inject_detach(struct inject *i, struct inject_batch *b, struct inject_stats *stats,
		  struct err *e);

/* Takes everything out that any cairn left in the process, but for one that still runs. */
int inject_clean(pid_t pid, struct inject_stats *stats, struct err *e);

#endif
