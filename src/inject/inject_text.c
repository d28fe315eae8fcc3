/* SPDX-License-Identifier: MIT */
/*
 * Writing to code. Debuggers may do so through /proc/PID/mem, whatever the pages permit, unless the
 * kernel was told otherwise; then the process has to make the pages writable for a moment.
 */
#include "inject/inject_own.h"

#include <sys/mman.h>
#include <sys/syscall.h>

static int protect(struct inject_call *call, uint64_t address, size_t bytes, int protection)
{
	uint64_t start = address & ~(uint64_t)(INJECT_PAGE_BYTES - 1);
	return (int)inject_call(call, SYS_mprotect, start, address + bytes - start,
				(uint64_t)protection, 0, 0, 0);
}

int inject_write_unprotected(const struct inject *i, struct inject_call *call, uint64_t address,
			     const void *data, size_t bytes, struct err *e)
{
	int status = inject_write(i, address, data, bytes, e);
	if (!status || status == -ESRCH)
		return status;
	if (protect(call, address, bytes, PROT_READ | PROT_WRITE | PROT_EXEC) < 0)
		return err_set(e, EPERM,
			       "process %d may neither be written to by a debugger nor make its "
			       "code writable: only the kernel's uprobes can probe it",
			       (int)i->pid);
	status = inject_write(i, address, data, bytes, e);
	protect(call, address, bytes, PROT_READ | PROT_EXEC);
	return status;
}

static int write_unprotected(const struct inject *i, const struct halt *halted,
			     const struct inject_change *changes, size_t count, size_t *done,
			     struct err *e)
{
	struct inject_call call;
	int status = inject_call_begin(&call, halted->threads.items[0], i->syscall_at, e);
	if (status)
		return status;
	for (; *done < count && !status; *done += !status) {
		const struct inject_change *c = &changes[*done];
		status = inject_write_unprotected(i, &call, c->address, c->data, c->bytes, e);
	}
	int end = inject_call_end(&call, status ? NULL : e);
	return status ? status : end;
}

int inject_write_text(const struct inject *i, const struct halt *halted,
		      const struct inject_change *changes, size_t count, size_t *done_ret,
		      struct err *e)
{
	int status = 0;
	size_t done = 0;
	for (; done < count && !status; done += !status) {
		const struct inject_change *c = &changes[done];
		status = inject_write(i, c->address, c->data, c->bytes, e);
	}
	if (status && status != -ESRCH)
		status = write_unprotected(i, halted, changes, count, &done, e);
	*done_ret = done;
	return status;
}
