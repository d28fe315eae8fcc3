/* SPDX-License-Identifier: MIT */
/*
 * What the tool and the payload agree upon: the payload is code that the tool maps into a process,
 * for its trampolines to call; the context is the data it works on, mapped beside it.
 *
 *	payload   read and execute   struct payload_head, code; nothing in it is ever written
 *	context   read and write     struct payload_context; a forked child has its copy
 *	process   read and write     struct payload_process, wiped in a forked child
 *	rings     shared             ring/ring_share.h
 *	cells     shared             cell/cell_share.h
 *
 * L1  It takes no lock, allocates nothing, keeps no descriptor, handles no signal, touches neither
 *     errno nor a vector register, and may be interrupted by itself anywhere.
 * L2  It runs on the thread's own stack and takes no more of it than PAYLOAD_STACK_BYTES.
 * L3  It reads memory that may not be mapped by process_vm_readv() of its own process, and makes
 *     no other system calls than that, getpid() and gettid().
 */
#ifndef CAIRN_PAYLOAD_PAYLOAD_ABI_H
#define CAIRN_PAYLOAD_PAYLOAD_ABI_H

#include "prog/prog_native.h"
#include "ring/ring_write.h"

enum {
	PAYLOAD_MAGIC = 0x31706c64,
	PAYLOAD_STACK_BYTES = 512,
	/* Entries: helpers of programs (enum prog_helper), then these. */
	PAYLOAD_WRITE = PROG_HELPERS, /* (context, record, its bytes, id): into a ring */
	PAYLOAD_ENTRIES,
};

struct payload_head {
	uint32_t magic;
	uint32_t sequences_at; /* struct rseq_cs each: the addresses in them are to be made */
	uint32_t sequences_end_at;
	uint32_t entries_at[PAYLOAD_ENTRIES];
};

enum payload_flags {
	/* A filter of calls might kill: nothing unsure is read, a child's events are lost. */
	PAYLOAD_NO_SYSTEM_CALLS = 1,
};

/* The pid is 0 until somebody asks in this process. */
struct payload_process {
	uint32_t pid;
	uint32_t asks_tid; /* what stands at tid_at is not this process's */
};

struct payload_context {
	struct ring_writer writer; /* in the target's addresses; its times are ticks */
	struct payload_process *process;
	uint32_t flags;
	uint32_t generation;
	/* Distances from the thread pointer, which the thread finds at %fs:0; 0: there is none. */
	int32_t rseq_at;
	int32_t tid_at;
};

#endif
