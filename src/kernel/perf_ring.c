/* SPDX-License-Identifier: MIT */
#include "kernel/perf_ring.h"

#include "base/cursor.h"

#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static struct perf_event_mmap_page *page_of(const struct perf_ring *r)
{
	return r->map;
}

static const uint8_t *data_of(const struct perf_ring *r)
{
	return (const uint8_t *)r->map + sysconf(_SC_PAGESIZE);
}

int perf_ring_open(struct perf_ring *ret, int fd, size_t bytes, bool backward, struct err *e)
{
	size_t all = bytes + (size_t)sysconf(_SC_PAGESIZE);
	/* The kernel takes a mapping it cannot be told a tail through for one to be overwritten. */
	int access = backward ? PROT_READ : PROT_READ | PROT_WRITE;
	void *map = mmap(NULL, all, access, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED && errno == EPERM)
		return err_set(e, EPERM,
			       "uid %u may not lock %zu kB for each cpu's perf buffer: ask for a "
			       "smaller one, or raise kernel.perf_event_mlock_kb",
			       geteuid(), bytes >> 10);
	if (map == MAP_FAILED)
		return err_errno(e, "cannot map a perf buffer of %zu kB", bytes >> 10);
	*ret = (struct perf_ring){.fd = fd, .map = map, .bytes = bytes, .backward = backward};
	return 0;
}

void perf_ring_close(struct perf_ring *r)
{
	if (r->map)
		munmap(r->map, r->bytes + (size_t)sysconf(_SC_PAGESIZE));
	r->map = NULL;
}

void perf_ring_walk(const struct perf_ring *r, struct perf_walk *ret)
{
	ret->data = data_of(r);
	ret->bytes = r->bytes;
	ret->at = page_of(r)->data_tail;
	/* Pairs with the kernel's barrier between writing records and moving the head. */
	ret->end = __atomic_load_n(&page_of(r)->data_head, __ATOMIC_ACQUIRE);
}

void perf_ring_taken(struct perf_ring *r, const struct perf_walk *walk)
{
	/* Release: our reads of the records come before the kernel writes over them. */
	__atomic_store_n(&page_of(r)->data_tail, walk->end, __ATOMIC_RELEASE);
}

int perf_ring_copy(struct perf_ring *r, void *copy, struct perf_walk *ret, struct err *e)
{
	if (ioctl(r->fd, PERF_EVENT_IOC_PAUSE_OUTPUT, 1))
		return err_errno(e, "cannot pause a perf buffer");
	uint64_t head = __atomic_load_n(&page_of(r)->data_head, __ATOMIC_ACQUIRE);
	memcpy(copy, data_of(r), r->bytes);
	int resumed = ioctl(r->fd, PERF_EVENT_IOC_PAUSE_OUTPUT, 0);
	if (resumed)
		return err_errno(e, "cannot resume a perf buffer");
	uint64_t written = -head;
	ret->data = copy;
	ret->bytes = r->bytes;
	ret->at = head;
	ret->end = head + (written < r->bytes ? written : r->bytes);
	return 0;
}

/* The record's bytes in one piece. */
static const void *in_one_piece(struct perf_walk *w, size_t bytes)
{
	size_t at = w->at & (w->bytes - 1);
	if (at + bytes <= w->bytes)
		return w->data + at;
	size_t first = w->bytes - at;
	memcpy(w->record, w->data + at, first);
	memcpy((uint8_t *)w->record + first, w->data, bytes - first);
	return w->record;
}

int perf_walk_next(struct perf_walk *w, struct perf_record *ret)
{
	struct perf_event_header header;
	uint64_t left = w->end - w->at;
	if (left < sizeof(header))
		return 0;
	memcpy(&header, in_one_piece(w, sizeof(header)), sizeof(header));
	if (header.size < sizeof(header) || header.size % 8) {
		w->at = w->end;
		return header.size ? -EINVAL : 0;
	}
	if (header.size > left) {
		w->at = w->end;
		return 0;
	}
	struct cursor c = cursor_over(in_one_piece(w, header.size), header.size);
	cursor_take(&c, sizeof(header));
	*ret = (struct perf_record){.kind = PERF_OTHER};
	if (header.type == PERF_RECORD_SAMPLE) {
		ret->kind = PERF_SAMPLED;
		ret->time_ns = cursor_u64(&c);
		ret->raw_bytes = cursor_u32(&c);
		ret->raw = cursor_take(&c, ret->raw_bytes);
	} else if (header.type == PERF_RECORD_LOST) {
		ret->kind = PERF_LOSS;
		cursor_u64(&c); /* which event */
		ret->lost = cursor_u64(&c);
	}
	w->at += header.size;
	return cursor_ok(&c) ? 1 : -EINVAL;
}
