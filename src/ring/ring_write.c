/* SPDX-License-Identifier: MIT */
#include "ring/ring_rseq.h"

enum { ROUNDS_MAX = 64 };

struct ring_rseq ring_no_rseq = {.cpu = UINT32_MAX};

static uint32_t shift_of(uint64_t power)
{
	return (uint32_t)__builtin_ctzll(power);
}

void ring_writer_init(struct ring_writer *w, struct ring_share *share,
		      const struct ring_share *checked, uint64_t (*clock_ns)(void))
{
	*w = (struct ring_writer){
		.share = share,
		.lines = ring_share_lines(share),
		.data = ring_share_data(share),
		.ring_bytes = checked->ring_bytes,
		.ring_mask = checked->ring_bytes - 1,
		.subbuf_bytes = checked->subbuf_bytes,
		.subbuf_shift = shift_of(checked->subbuf_bytes),
		.subbufs = (uint32_t)(checked->ring_bytes >> shift_of(checked->subbuf_bytes)),
		.cpus = checked->cpus,
		.lanes = checked->lanes,
		.flags = checked->flags,
		.clock_ns = clock_ns,
		.cpu_stream = checked->cpu_stream,
		.lane_stream = checked->lane_stream,
	};
	for (unsigned i = 0; i < sizeof(w->uuid); i++)
		w->uuid[i] = checked->uuid[i];
}

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static struct ring_packet *packet_at(const struct ring_writer *w, uint64_t line, uint64_t position)
{
	uint64_t start = position & w->ring_mask & ~(w->subbuf_bytes - 1);
	return (struct ring_packet *)(w->data + line * w->ring_bytes + start);
}

/* The packet behind the one the head is in, still without times. */
static struct ring_packet next_header(const struct ring_writer *w, uint64_t number,
				      const struct ring_line *line, uint32_t tid)
{
	uint64_t index = (uint64_t)(line - w->lines);
	struct ring_packet header = {
		.magic = RING_CTF_MAGIC,
		.stream_id = index < w->cpus ? w->cpu_stream : w->lane_stream,
		.content_bits = 8 * sizeof(header),
		.packet_bits = 8 * w->subbuf_bytes,
		.sequence = number - w->subbufs,
		.discarded = load(&line->lost),
		.cpu = (uint32_t)(index < w->cpus ? index : index - w->cpus),
		.tid = tid,
	};
	for (unsigned i = 0; i < sizeof(header.uuid); i++)
		header.uuid[i] = w->uuid[i];
	return header;
}

/* Whether there is a sub-buffer `number` to write into. */
static bool may_enter(const struct ring_writer *w, const struct ring_line *line, uint64_t number)
{
	if (__atomic_load_n(&w->share->frozen, __ATOMIC_ACQUIRE) ||
	    __atomic_load_n(&w->share->closed, __ATOMIC_ACQUIRE))
		return false;
	return (w->flags & RING_OVERWRITE) || number - load(&line->drained) < w->subbufs - 1;
}

static struct ring_thread_event thread_event(const struct ring_thread *t)
{
	return (struct ring_thread_event){.tid = (uint32_t)t->owner,
					  .pid = (uint32_t)(t->owner >> 32)};
}

static uint32_t owner_tid(uint64_t owner)
{
	return owner ? (uint32_t)owner : RING_TID_UNKNOWN;
}

/* An event with its word, and what copying in whole steps writes behind it. */
static bool fits_nowhere(const struct ring_writer *w, uint64_t bytes)
{
	return sizeof(struct ring_packet) + 8 + bytes + RING_COPY_BYTES >= w->subbuf_bytes;
}

/* Lanes: one writer at a time, plain stores, the head last (R1). */

static uint64_t lane_time(const struct ring_writer *w)
{
#if defined(__x86_64__)
	if (w->flags & RING_TICKS)
		return __builtin_ia32_rdtsc();
#endif
	return w->clock_ns();
}

static void lane_commit(struct ring_line *line, uint64_t head)
{
	__atomic_store_n(&line->head, head, __ATOMIC_RELEASE); /* pairs with ring_view's */
}

static bool lane_enter(const struct ring_writer *w, struct ring_line *line)
{
	uint64_t index = (uint64_t)(line - w->lines), head = line->head;
	uint64_t number = (head >> w->subbuf_shift) + 1;
	if (!may_enter(w, line, number))
		return false;
	uint64_t now = lane_time(w);
	struct ring_packet *last = packet_at(w, index, head);
	if (number > w->subbufs) {
		last->end_ns = now;
		last->content_bits = 8 * (head & (w->subbuf_bytes - 1));
	}
	struct ring_packet *next = packet_at(w, index, number << w->subbuf_shift);
	*next = next_header(w, number, line, owner_tid(line->owner));
	next->begin_ns = next->end_ns = now;
	lane_commit(line, (number << w->subbuf_shift) + sizeof(*next));
	return true;
}

static bool lane_put(const struct ring_writer *w, struct ring_line *line, uint16_t id,
		     const void *payload, uint64_t bytes)
{
	uint64_t index = (uint64_t)(line - w->lines), start = (line->head + 7) & ~7ull;
	if (fits_nowhere(w, bytes))
		return false;
	if (((start + 8 + bytes + RING_COPY_BYTES - 1) ^ line->head) >= w->subbuf_bytes) {
		if (!lane_enter(w, line))
			return false;
		start = (line->head + 7) & ~7ull;
	}
	uint8_t *to = w->data + index * w->ring_bytes + (start & w->ring_mask);
	*(uint64_t *)to = RING_EVENT_WORD(id, lane_time(w));
	for (uint64_t i = 0; i < bytes; i++)
		to[8 + i] = ((const uint8_t *)payload)[i];
	lane_commit(line, start + 8 + bytes);
	return true;
}

/* R2 holds at every store: who is killed here leaves a line without an owner. */
static bool lane_write(struct ring_thread *t, struct ring_line *line, uint16_t id,
		       const void *payload, uint64_t bytes)
{
	if (line->owner != t->owner) {
		struct ring_thread_event event = thread_event(t);
		__atomic_store_n(&line->owner, 0, __ATOMIC_RELEASE);
		if (!lane_put(t->writer, line, RING_ID_THREAD, &event, sizeof(event)))
			return false;
		__atomic_store_n(&line->owner, t->owner, __ATOMIC_RELEASE);
	}
	return lane_put(t->writer, line, id, payload, bytes);
}

uint32_t ring_lane_holder(const struct ring_writer *w, uint32_t lane)
{
	return __atomic_load_n(&w->lines[w->cpus + lane].lock, __ATOMIC_RELAXED);
}

void ring_lane_free(const struct ring_writer *w, uint32_t lane, uint32_t holder)
{
	__atomic_compare_exchange_n(&w->lines[w->cpus + lane].lock, &holder, 0, false,
				    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* What led to this moment must not be written over before the tool has seen it. */
static void trigger(struct ring_share *share)
{
	__atomic_store_n(&share->frozen, 1, __ATOMIC_RELEASE);
	__atomic_fetch_add(&share->trigger, 1, __ATOMIC_RELEASE);
}

static enum ring_status write_lane(struct ring_thread *t, const uint16_t *id_place,
				   const void *payload, uint64_t bytes)
{
	const struct ring_writer *w = t->writer;
	for (uint32_t i = 0; i < w->lanes; i++) {
		struct ring_line *line = &w->lines[w->cpus + ((uint32_t)t->owner + i) % w->lanes];
		uint32_t nobody = 0;
		if (!__atomic_compare_exchange_n(&line->lock, &nobody, (uint32_t)t->owner, false,
						 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			continue;
		uint16_t id = __atomic_load_n(id_place, __ATOMIC_RELAXED);
		enum ring_status status = !id ? RING_OFF : RING_DONE;
		if (id && !lane_write(t, line, id & (RING_ID_TRIGGER - 1), payload, bytes)) {
			__atomic_fetch_add(&line->lost, 1, __ATOMIC_RELAXED);
			status = RING_LOST;
		}
		__atomic_store_n(&line->lock, 0, __ATOMIC_RELEASE);
		if (status == RING_DONE && id & RING_ID_TRIGGER)
			trigger(w->share);
		return status;
	}
	return RING_BUSY;
}

#if defined(__x86_64__)

static enum ring_status lose(struct ring_thread *t)
{
	if (rseq_lose(t) != RING_DONE)
		__atomic_fetch_add(&t->writer->lines[t->writer->cpus].lost, 1, __ATOMIC_RELAXED);
	return RING_LOST;
}

/* Says whose events follow. What goes wrong in between is only said again (R2). */
static enum ring_status announce(struct ring_thread *t)
{
	struct ring_thread_event event[2] = {thread_event(t)}; /* one whole copying step */
	struct ring_line *line;
	uint64_t head;
	enum ring_status status = rseq_announce(t, event, sizeof(event[0]), &line, &head);
	return status == RING_DONE ? rseq_own(t, line, head) : status;
}

static enum ring_status enter(struct ring_thread *t, uint64_t bytes)
{
	const struct ring_writer *w = t->writer;
	uint32_t cpu = __atomic_load_n(&t->rseq->cpu, __ATOMIC_RELAXED);
	if (cpu >= w->cpus)
		return RING_NO_CPU;
	struct ring_line *line = &w->lines[cpu];
	uint64_t head = load(&line->head), number = (head >> w->subbuf_shift) + 1;
	if (fits_nowhere(w, bytes) || !may_enter(w, line, number))
		return lose(t);
	struct rseq_packet p = {
		.line = line,
		.head = head,
		.next_head = (number << w->subbuf_shift) + sizeof(struct ring_packet),
		.last = packet_at(w, cpu, head),
		.last_bits = 8 * (head & (w->subbuf_bytes - 1)),
		.next = packet_at(w, cpu, number << w->subbuf_shift),
		.header = next_header(w, number, line, owner_tid(load(&line->owner))),
	};
	if (number == w->subbufs) /* the first: there is none to seal */
		p.last = p.next;
	return rseq_enter(t, &p);
}

/* Out of the way of the one sequence that nearly always is enough. */
static __attribute__((noinline)) enum ring_status write_cpu(enum ring_status status,
							    struct ring_thread *t,
							    const uint32_t *generation,
							    const uint16_t *id, const void *payload,
							    uint64_t bytes)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		if (status == RING_OWNER)
			status = announce(t);
		if (status == RING_FULL)
			status = enter(t, bytes);
		if (status != RING_DONE && status != RING_MOVED)
			return status;
		status = rseq_event(t, generation, id, payload, bytes);
		if (status == RING_DONE)
			return RING_DONE;
	}
	return RING_ABORTED;
}

#else

static enum ring_status lose(struct ring_thread *t)
{
	__atomic_fetch_add(&t->writer->lines[t->writer->cpus].lost, 1, __ATOMIC_RELAXED);
	return RING_LOST;
}

#endif

void ring_write_lost(struct ring_thread *t)
{
	lose(t);
}

enum ring_status ring_write_slowly(enum ring_status status, struct ring_thread *t,
				   const uint32_t *generation, const uint16_t *id,
				   const void *payload, uint64_t bytes)
{
#if defined(__x86_64__)
	status = write_cpu(status, t, generation, id, payload, bytes);
	t->tries = RING_TRIES;
#endif
	/* An event that triggers is too rare to slow the others down by a question. */
	bool triggers =
		status == RING_OFF && (__atomic_load_n(id, __ATOMIC_RELAXED) & RING_ID_TRIGGER);
	if (status < RING_FULL && !triggers)
		return status;
	if (__atomic_load_n(generation, __ATOMIC_ACQUIRE) != t->generation)
		return RING_STALE;
	return write_lane(t, id, payload, bytes);
}

enum ring_status ring_write(struct ring_thread *t, const uint32_t *generation, const uint16_t *id,
			    const void *payload, uint64_t bytes)
{
	enum ring_status status = RING_NO_CPU;
#if defined(__x86_64__)
	status = rseq_event(t, generation, id, payload, bytes);
	if (status == RING_DONE)
		return RING_DONE;
#endif
	return ring_write_slowly(status, t, generation, id, payload, bytes);
}
