/* SPDX-License-Identifier: MIT */
/* Memory for the probed process, made by one of its threads. */
#include "inject/inject_apart.h"
#include "inject/inject_own.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/prctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* Threads of a sandbox may be forbidden what the rest may do. */
static bool may_work(pid_t pid, pid_t tid)
{
	return tid > 0 && !inject_status(pid, tid, "Seccomp:", 10);
}

/* The first thread there is. That it has a tracer, or does not stop, is no reason to go on. */
static int hold_thread(const struct inject *i, struct halt *ret, struct err *e)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)i->pid);
	DIR *tasks = opendir(path);
	int status = err_set(e, ESRCH, "process %d has ended", (int)i->pid);
	for (struct dirent *entry; status == -ESRCH && tasks && (entry = readdir(tasks));) {
		pid_t tid = atoi(entry->d_name);
		if (may_work(i->pid, tid))
			status = halt_begin_thread(ret, i->pid, tid, inject_wait_ns, e);
	}
	if (tasks)
		closedir(tasks);
	return status;
}

int inject_session_begin(const struct inject *i, struct halt *ret, struct err *e)
{
	int status = hold_thread(i, ret, e);
	if (!status)
		halt_narrow(ret);
	return status;
}

/* Only who is stopped can be let go. */
void inject_session_end(struct halt *held)
{
	halt_stop(held, inject_wait_ns, NULL);
	halt_end(held);
}

int inject_worker_begin(const struct inject *i, struct halt *held, struct inject_call *call,
			struct err *e)
{
	int status = halt_stop(held, inject_wait_ns, e);
	return status ? status : inject_call_begin(call, held->threads.items[0], i->syscall_at, e);
}

int inject_worker_end(struct halt *held, struct inject_call *call, struct err *e)
{
	int status = inject_call_end(call, e);
	halt_narrow(held);
	return status;
}

struct mapper {
	const struct inject *i;
	struct inject_call *call;
	uint64_t scratch; /* a page there, with the name */
	int64_t tag;      /* a descriptor there: mappings of its file have the name */
	struct err *e;
};

static int64_t call(struct mapper *m, long number, uint64_t a, uint64_t b, uint64_t d, uint64_t f,
		    uint64_t g)
{
	return inject_call(m->call, number, a, b, d, f, g, 0);
}

static int say(struct mapper *m, const char *what, int64_t got)
{
	return err_set(m->e, (int)-got, "process %d cannot %s: %s", (int)m->i->pid, what,
		       strerror((int)-got));
}

/* A file of shared memory with our name, as its descriptor there. */
static int64_t make_file(struct mapper *m, uint64_t bytes)
{
	int64_t fd = call(m, SYS_memfd_create, m->scratch, MFD_CLOEXEC | MFD_NOEXEC_SEAL, 0, 0, 0);
	if (fd == -EINVAL)
		fd = call(m, SYS_memfd_create, m->scratch, MFD_CLOEXEC, 0, 0, 0);
	if (fd < 0)
		return say(m, "make a file in memory", fd);
	int64_t status = call(m, SYS_ftruncate, (uint64_t)fd, bytes, 0, 0, 0);
	if (status >= 0)
		return fd;
	call(m, SYS_close, (uint64_t)fd, 0, 0, 0, 0);
	return say(m, "make room in memory", status);
}

static int map_at(struct mapper *m, struct inject_region *r, int protection, int flags, int64_t fd)
{
	if (r->remote)
		flags |= MAP_FIXED_NOREPLACE;
	int64_t got = call(m, SYS_mmap, r->remote, r->bytes, (uint64_t)protection, (uint64_t)flags,
			   (uint64_t)fd);
	bool mapped = got > 0 || got <= -4096;
	if (mapped && r->remote && (uint64_t)got != r->remote) { /* it took that for a hint */
		call(m, SYS_munmap, (uint64_t)got, r->bytes, 0, 0, 0);
		mapped = false;
		got = -EEXIST;
	}
	r->remote = mapped ? (uint64_t)got : 0;
	return mapped ? 0 : say(m, "map memory", got);
}

static int open_local(struct mapper *m, struct inject_region *r, int64_t fd)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)m->i->pid, (int)fd);
	int local = open(path, O_RDWR | O_CLOEXEC);
	if (local < 0)
		return err_errno(m->e, "cannot share memory with process %d", (int)m->i->pid);
	r->local = mmap(NULL, r->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, local, 0);
	close(local);
	if (r->local != MAP_FAILED)
		return 0;
	r->local = NULL;
	return err_errno(m->e, "no memory to share with process %d", (int)m->i->pid);
}

static int map_shared(struct mapper *m, struct inject_region *r)
{
	int64_t fd = make_file(m, r->bytes);
	if (fd < 0)
		return (int)fd;
	int status = map_at(m, r, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	if (!status)
		status = open_local(m, r, fd);
	call(m, SYS_close, (uint64_t)fd, 0, 0, 0, 0);
	return status;
}

static int map_wiped(struct mapper *m, struct inject_region *r)
{
	int status = map_at(m, r, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (status)
		return status;
	int64_t got = call(m, SYS_madvise, r->remote, r->bytes, MADV_WIPEONFORK, 0, 0);
	/* Without names for such memory it is not found again after this tool was killed. */
	call(m, SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, r->remote, r->bytes, m->scratch);
	return got < 0 ? say(m, "have memory that its children do not inherit", got) : 0;
}

/* Private pages over an empty file: a child of the process gets copies, as of everything. */
static int map_filled(struct mapper *m, struct inject_region *r)
{
	int protection = r->kind == INJECT_CODE ? PROT_READ | PROT_EXEC : PROT_READ | PROT_WRITE;
	int status = map_at(m, r, protection, MAP_PRIVATE, m->tag);
	if (status || !r->data)
		return status;
	return r->kind == INJECT_CODE
		       ? inject_write_unprotected(m->i, m->call, r->remote, r->data, r->bytes, m->e)
		       : inject_write(m->i, r->remote, r->data, r->bytes, m->e);
}

static int map_region(struct mapper *m, struct inject_region *r)
{
	switch (r->kind) {
	case INJECT_SHARED:
		return map_shared(m, r);
	case INJECT_WIPED:
		return map_wiped(m, r);
	default:
		return map_filled(m, r);
	}
}

static int map_all(struct mapper *m, struct inject_region *regions, size_t count)
{
	uint64_t most = 0;
	int status = 0;
	size_t done = 0;
	for (size_t k = 0; k < count; k++)
		most = regions[k].bytes > most ? regions[k].bytes : most;
	m->tag = make_file(m, most);
	if (m->tag < 0)
		return (int)m->tag;
	for (; done < count && !status; done++)
		status = map_region(m, &regions[done]);
	for (size_t k = 0; status && k < done; k++) {
		if (regions[k].local)
			munmap(TAKE(regions[k].local, NULL), regions[k].bytes);
		if (regions[k].remote)
			call(m, SYS_munmap, regions[k].remote, regions[k].bytes, 0, 0, 0);
	}
	call(m, SYS_close, (uint64_t)m->tag, 0, 0, 0, 0);
	return status;
}

int inject_map_regions(const struct inject *i, struct inject_call *c, struct inject_region *regions,
		       size_t count, struct err *e)
{
	struct mapper m = {.i = i, .call = c, .e = e};
	int64_t got = call(&m, SYS_mmap, 0, INJECT_PAGE_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX);
	if (got < 0 && got > -4096)
		return say(&m, "map memory", got);
	m.scratch = (uint64_t)got;
	int status = inject_write(i, m.scratch, INJECT_NAME, sizeof(INJECT_NAME), e);
	if (!status)
		status = map_all(&m, regions, count);
	call(&m, SYS_munmap, m.scratch, INJECT_PAGE_BYTES, 0, 0, 0);
	return status;
}

struct patch_range inject_window(struct patch_range span)
{
	struct patch_range window = {0, span.start + INJECT_REACH};
	if (span.end > INJECT_REACH)
		window.start = span.end - INJECT_REACH;
	return window;
}

struct mapping {
	const struct inject *i;
	struct inject_region *regions;
	size_t count;
};

static int map_apart(void *context, struct err *e)
{
	struct mapping *m = context;
	struct inject_call c;
	struct halt held;
	int status = inject_session_begin(m->i, &held, e);
	if (status)
		return status;
	status = inject_worker_begin(m->i, &held, &c, e);
	if (!status) {
		status = inject_map_regions(m->i, &c, m->regions, m->count, e);
		int end = inject_worker_end(&held, &c, status ? NULL : e);
		status = status ? status : end;
	}
	inject_session_end(&held);
	return status;
}

static int choose_places(const struct inject *i, struct inject_region *regions, size_t count,
			 struct err *e)
{
	CLEANUP_MAPS struct inject_maps maps = {0};
	int status = inject_maps_read(i->pid, &maps, e);
	for (size_t k = 0; k < count && !status; k++) {
		struct inject_region *r = &regions[k];
		struct patch_range near = {r->near, r->near};
		r->remote = 0;
		r->local = NULL;
		if (r->near && inject_maps_take(&maps, inject_window(near), r->bytes, &r->remote))
			return err_set(e, ENOSPC, "process %d has no room near %#llx", (int)i->pid,
				       (unsigned long long)r->near);
	}
	return status;
}

static int map_and_record(struct inject *i, struct inject_region *all, size_t count, struct err *e)
{
	struct mapping m = {i, all, count};
	uint8_t there; /* of the program that was opened, not of one that replaced it */
	int status = inject_read(i, i->syscall_at, &there, 1, e);
	if (status)
		return status;
	status = -EEXIST;
	for (int tries = 0; (status == -EEXIST || status == -ETIMEDOUT) && tries < INJECT_TRIES;
	     tries++) {
		status = choose_places(i, all, count, e);
		if (!status)
			status = inject_apart(map_apart, &m, e);
	}
	return status;
}

/* I3: one page more says whose they are. */
int inject_map(struct inject *i, struct inject_region *regions, size_t count, struct err *e)
{
	union {
		struct inject_record record;
		uint8_t bytes[INJECT_PAGE_BYTES];
	} page = {.record = inject_record_begin(0)};
	CLEANUP(free) struct inject_region *all = calloc(count + 1, sizeof(*all));
	if (!all)
		return err_set(e, ENOMEM, "no memory to map more");
	memcpy(all, regions, count * sizeof(*all));
	all[count] =
		(struct inject_region){.kind = INJECT_CODE, .bytes = sizeof(page), .data = &page};
	int status = map_and_record(i, all, count + 1, e);
	memcpy(regions, all, count * sizeof(*all));
	return status;
}
