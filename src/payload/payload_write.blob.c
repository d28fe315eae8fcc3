/* SPDX-License-Identifier: MIT */
/*
 * A finished record into the ring.
 *
 * What a marked program keeps for each thread is made on the stack here, each time: the writer is
 * the context's, pid and rseq area are a load away.
 */
#include "base/system_call.h"
#include "payload/payload.blob.h"
#include "ring/ring_rseq.h"

#include <sys/syscall.h>

void payload_write(const struct payload_context *c, const void *record, uint64_t bytes,
		   uint64_t id);
uint64_t payload_tid(const struct payload_context *c);

static long ask(long number)
{
	return system_call(number, 0, 0, 0, 0, 0, 0);
}

/*
 * Also the first time after a fork. A child made without the C library has its parent's tid where
 * its own should be: then it is asked for every time.
 */
__attribute__((noinline, cold)) uint64_t payload_owner_ask(const struct payload_context *c)
{
	if (c->flags & PAYLOAD_NO_SYSTEM_CALLS)
		return 0;
	uint64_t tid = (uint64_t)ask(SYS_gettid);
	uint64_t pid = __atomic_load_n(&c->process->pid, __ATOMIC_ACQUIRE);
	if (!pid) {
		pid = (uint64_t)ask(SYS_getpid);
		c->process->asks_tid = !c->tid_at || payload_thread_word(c->tid_at) != tid;
		__atomic_store_n(&c->process->pid, (uint32_t)pid, __ATOMIC_RELEASE);
	}
	return pid << 32 | tid;
}

static __attribute__((noinline, cold)) void write_slowly(enum ring_status status,
							 struct ring_thread *t,
							 const struct payload_context *c,
							 const uint16_t *id, const void *record,
							 uint64_t bytes)
{
	if (t->owner)
		status = ring_write_slowly(status, t, &c->generation, id, record, bytes);
	if (!t->owner || status == RING_BUSY)
		ring_write_lost(t);
}

static inline struct ring_rseq *rseq_of(const struct payload_context *c)
{
	uint8_t *thread;
	__asm__ volatile("movq %%fs:0, %0" : "=r"(thread));
	return (struct ring_rseq *)(void *)(thread + c->rseq_at);
}

void payload_write(const struct payload_context *c, const void *record, uint64_t bytes, uint64_t id)
{
	const uint16_t id_word = (uint16_t)id;
	struct ring_rseq none = {.cpu = UINT32_MAX};
	struct ring_thread t = {
		.writer = (struct ring_writer *)&c->writer,
		.owner = payload_owner(c),
		.rseq = c->rseq_at ? rseq_of(c) : &none,
		.generation = c->generation,
		.tries = RING_TRIES,
	};
	enum ring_status status = RING_STALE;
	if (__builtin_expect(t.owner != 0, 1))
		status = rseq_event(&t, &c->generation, &id_word, record, bytes);
	if (__builtin_expect(status != RING_DONE, 0))
		write_slowly(status, &t, c, &id_word, record, bytes);
}

uint64_t payload_tid(const struct payload_context *c)
{
	return (uint32_t)payload_owner(c);
}
