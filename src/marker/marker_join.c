/* SPDX-License-Identifier: MIT */
/*
 * Joining a recording: its rings are mapped, nothing else is kept.
 *
 * Threads that come at once each map and one wins; nobody waits, so that a handler may interrupt
 * any step. A mapping stays until the process ends: another thread may be inside it. The tool
 * gives the memory of a recording that is over back to the system, what stays is address space.
 */
#include "base/system_call.h"
#include "marker/marker_runtime.h"

#include <fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#define HAS_RSEQ 1
#endif

struct mapping {
	struct ring_writer writer;
	char path[MARKER_PATH_BYTES];
};

enum { ESRCH_NUMBER = 3, MADV_WIPE = 18 };

static struct mapping *current;
static uint32_t generations; /* given so far; a forked child counts on */

static uint64_t clock_monotonic_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool same_path(const char *a, const char *b)
{
	for (unsigned i = 0; i < MARKER_PATH_BYTES; i++) {
		if (a[i] != b[i])
			return false;
		if (!a[i])
			return true;
	}
	return true;
}

static void *map(unsigned long bytes, int prot, int flags, long fd)
{
	long at = system_call(SYS_mmap, 0, (long)bytes, prot, flags, fd, 0);
	return at < 0 && at > -4096 ? NULL : (void *)at;
}

/* A file of this user's own; its size. */
static uint64_t own_file_bytes(long fd)
{
	struct statx status = {0};
	long failed = system_call(SYS_statx, fd, (long)"", AT_EMPTY_PATH, STATX_SIZE | STATX_UID,
				  (long)&status, 0);
	bool is_own = status.stx_uid == (uint32_t)system_call(SYS_geteuid, 0, 0, 0, 0, 0, 0);
	return failed || !is_own ? 0 : status.stx_size;
}

static struct ring_share *map_rings(const char *path, uint64_t *bytes_ret)
{
	long fd = system_call(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0,
			      0, 0);
	if (fd < 0)
		return NULL;
	uint64_t bytes = own_file_bytes(fd);
	void *rings =
		bytes < RING_DATA_AT ? NULL : map(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	system_call(SYS_close, fd, 0, 0, 0, 0, 0);
	*bytes_ret = bytes;
	return rings;
}

static void unmap(void *at, uint64_t bytes)
{
	system_call(SYS_munmap, (long)at, (long)bytes, 0, 0, 0, 0);
}

static struct mapping *map_session(uint64_t *bytes_ret)
{
	struct ring_share *rings = map_rings(marker_control.path, bytes_ret);
	if (!rings)
		return NULL;
	struct ring_share first = *rings;
	struct mapping *m =
		map(sizeof(*m), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (!m || !ring_share_check(&first, *bytes_ret) || first.closed) {
		unmap(rings, *bytes_ret);
		if (m)
			unmap(m, sizeof(*m));
		return NULL;
	}
	ring_writer_init(&m->writer, rings, &first, clock_monotonic_ns);
	for (unsigned i = 0; i < MARKER_PATH_BYTES; i++)
		m->path[i] = marker_control.path[i];
	return m;
}

static struct mapping *find_session(void)
{
	struct mapping *old = __atomic_load_n(&current, __ATOMIC_ACQUIRE);
	uint64_t bytes;
	if (!marker_control.path[0])
		return NULL;
	if (old && same_path(old->path, marker_control.path))
		return __atomic_load_n(&old->writer.share->closed, __ATOMIC_RELAXED) ? NULL : old;
	struct mapping *m = map_session(&bytes);
	if (m && !__atomic_compare_exchange_n(&current, &old, m, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE)) {
		unmap(m->writer.share, bytes);
		unmap(m, sizeof(*m));
		m = old;
	}
	return m;
}

/* The generation of this process now; a new one where a fork or the tool has put 0. */
static uint32_t find_generation(void)
{
	uint32_t known = __atomic_load_n(&marker_page.generation, __ATOMIC_ACQUIRE);
	if (known)
		return known;
	system_call(SYS_madvise, (long)&marker_page, sizeof(marker_page), MADV_WIPE, 0, 0, 0);
	uint32_t next = __atomic_add_fetch(&generations, 1, __ATOMIC_ACQ_REL);
	return __atomic_compare_exchange_n(&marker_page.generation, &known, next, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
		       ? next
		       : known;
}

#if defined(HAS_RSEQ) && defined(__x86_64__)
extern const unsigned int __rseq_size __attribute__((weak));
extern const ptrdiff_t __rseq_offset __attribute__((weak));

static struct ring_rseq *find_rseq(void)
{
	uint8_t *thread;
	if (!&__rseq_size || !__rseq_size)
		return &ring_no_rseq;
	__asm__("movq %%fs:0, %0" : "=r"(thread));
	return (struct ring_rseq *)(void *)(thread + __rseq_offset);
}
#else
static struct ring_rseq *find_rseq(void)
{
	return &ring_no_rseq;
}
#endif

bool marker_join(struct ring_thread *t)
{
	struct mapping *m = find_session();
	if (!m) {
		marker_control.path[0] = 0;
		return false;
	}
	uint64_t pid = (uint64_t)system_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
	uint64_t tid = (uint64_t)system_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
	t->writer = &m->writer;
	t->owner = pid << 32 | tid;
	/* Sequences stamp with the counter; where that is no clock, lanes ask the kernel's. */
	t->rseq = m->writer.flags & RING_TICKS ? find_rseq() : &ring_no_rseq;
	__atomic_signal_fence(__ATOMIC_RELEASE);
	t->generation = find_generation();
	return true;
}

void marker_free_lanes(const struct ring_writer *writer)
{
	for (uint32_t lane = 0; lane < writer->lanes; lane++) {
		uint32_t holder = ring_lane_holder(writer, lane);
		if (holder && system_call(SYS_tkill, holder, 0, 0, 0, 0, 0) == -(long)ESRCH_NUMBER)
			ring_lane_free(writer, lane, holder);
	}
}
