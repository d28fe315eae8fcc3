/* SPDX-License-Identifier: MIT */
/* Inside the payload: who runs. */
#ifndef CAIRN_PAYLOAD_PAYLOAD_BLOB_H
#define CAIRN_PAYLOAD_PAYLOAD_BLOB_H

#include "payload/payload_abi.h"

/* Two results, in rax and rdx. */
struct payload_pair {
	uint64_t value, fault;
};

static inline uint32_t payload_thread_word(int64_t distance)
{
	uint32_t word;
	__asm__ volatile("movl %%fs:(%1), %0" : "=r"(word) : "r"(distance));
	return word;
}

static inline uint32_t payload_cpu(const struct payload_context *c)
{
	return c->rseq_at ? payload_thread_word(c->rseq_at + 4) : 0;
}

/* Out of the way: asks the kernel. 0 when it must not be asked. */
uint64_t payload_owner_ask(const struct payload_context *c);

/* The pid and tid of who runs, as a ring's line has them. */
static inline uint64_t payload_owner(const struct payload_context *c)
{
	uint64_t pid = __atomic_load_n(&c->process->pid, __ATOMIC_ACQUIRE);
	if (__builtin_expect(!pid || !c->tid_at || c->process->asks_tid, 0))
		return payload_owner_ask(c);
	return pid << 32 | payload_thread_word(c->tid_at);
}

#endif
