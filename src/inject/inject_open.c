/* SPDX-License-Identifier: MIT */
/* Whether a process can be probed at all, and what is known of it. */
#include "inject/inject_own.h"
#include "util/cleanup.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VDSO_BYTES_MAX = 1 << 16 };

uint64_t inject_status(pid_t pid, pid_t tid, const char *name, int base)
{
	char path[64], line[256];
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)tid);
	CLEANUP(stream) FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, strlen(name)))
			return strtoull(line + strlen(name), NULL, base);
	}
	return 0;
}

static bool status_has(pid_t pid, const char *name, const char *word)
{
	char path[64], line[256];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	CLEANUP(stream) FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, strlen(name)))
			return strstr(line, word) != NULL;
	}
	return false;
}

/* The 22nd number of its stat, of which the second may hold anything in parentheses. */
bool inject_started(pid_t pid, uint64_t *ret)
{
	char path[64], line[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	CLEANUP(stream) FILE *file = fopen(path, "re");
	const char *rest = file && fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	for (int field = 2; rest && field < 22; field++)
		rest = strchr(rest + 1, ' ');
	if (rest)
		*ret = strtoull(rest, NULL, 10);
	return rest != NULL;
}

struct inject_record inject_record_begin(size_t site_count)
{
	struct inject_record record = {.magic = INJECT_RECORD_MAGIC,
				       .version = INJECT_RECORD_VERSION,
				       .site_count = (uint32_t)site_count,
				       .tool = getpid()};
	inject_started(getpid(), &record.tool_started);
	return record;
}

static void command_of(pid_t pid, char name[32])
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	CLEANUP(stream) FILE *file = fopen(path, "re");
	if (!file || !fgets(name, 32, file))
		strcpy(name, "?");
	name[strcspn(name, "\n")] = 0;
}

static int yama_scope(void)
{
	int scope = 0;
	CLEANUP(stream) FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	if (file && fscanf(file, "%d", &scope) != 1)
		scope = 0;
	return scope;
}

/* Why the kernel does not let us. */
static int say_forbidden(pid_t pid, struct err *e)
{
	struct stat mem;
	char path[64];
	uint64_t owner = inject_status(pid, pid, "Uid:", 10);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	if (owner != geteuid())
		return err_set(e, EPERM, "process %d belongs to user %d: be that user, or root",
			       (int)pid, (int)owner);
	if (!stat(path, &mem) && mem.st_uid != owner)
		return err_set(e, EPERM,
			       "process %d keeps its memory to itself (a set-user-id program, or "
			       "PR_SET_DUMPABLE): only root may look",
			       (int)pid);
	if (yama_scope() > 0)
		return err_set(
			e, EPERM,
			"/proc/sys/kernel/yama/ptrace_scope is %d: only root, or the parent, "
			"may probe process %d",
			yama_scope(), (int)pid);
	return err_set(e, EPERM, "the kernel does not let process %d be probed", (int)pid);
}

static int check_status(pid_t pid, struct err *e)
{
	char name[32];
	pid_t tracer = (pid_t)inject_status(pid, pid, "TracerPid:", 10);
	if (tracer > 0) {
		command_of(tracer, name);
		return err_set(e, EBUSY, "process %d is being traced by %s (%d): end that first",
			       (int)pid, name, (int)tracer);
	}
	if (inject_status(pid, pid, "Seccomp:", 10))
		return err_set(e, EPERM,
			       "process %d has its system calls filtered (seccomp), and ours would "
			       "be too: only the kernel's uprobes can probe it",
			       (int)pid);
	return 0;
}

static int check_program(pid_t pid, struct err *e)
{
	char path[64];
	Elf64_Ehdr header;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		snprintf(path, sizeof(path), "/proc/%d", (int)pid);
		if (access(path, F_OK))
			return err_set(e, ESRCH, "there is no process %d", (int)pid);
		return err_set(e, EINVAL, "%d is a thread of the kernel, or has ended", (int)pid);
	}
	if (fd < 0)
		return say_forbidden(pid, e);
	if (read(fd, &header, sizeof(header)) != sizeof(header) || header.e_machine != EM_X86_64 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64)
		return err_set(e, ENOTSUP, "process %d does not run 64-bit code of x86-64",
			       (int)pid);
	return 0;
}

static int find_syscall(struct inject *i, struct err *e)
{
	CLEANUP_MAPS struct inject_maps maps = {0};
	int status = inject_maps_read(i->pid, &maps, e);
	if (status)
		return status;
	array_each(map, &maps.maps) {
		uint8_t code[VDSO_BYTES_MAX];
		if (strcmp(map->path, "[vdso]") || map->end - map->start > sizeof(code) ||
		    inject_read(i, map->start, code, map->end - map->start, NULL))
			continue;
		const uint8_t *at = memmem(code, map->end - map->start, "\x0f\x05", 2);
		if (at) {
			i->syscall_at = map->start + (uint64_t)(at - code);
			return 0;
		}
	}
	return err_set(e, ENOTSUP, "process %d has no vDSO, through which it could be asked",
		       (int)i->pid);
}

static int look_into(struct inject *i, struct err *e)
{
	char path[64];
	int status = check_program(i->pid, e);
	if (!status)
		status = check_status(i->pid, e);
	if (status)
		return status;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)i->pid);
	i->mem = open(path, O_RDWR | O_CLOEXEC);
	if (i->mem < 0)
		return say_forbidden(i->pid, e);
	i->has_shadow_stack = status_has(i->pid, "x86_Thread_features:", "shstk");
	i->has_handlers = inject_status(i->pid, i->pid, "SigCgt:", 16) != 0;
	return find_syscall(i, e);
}

int inject_open(pid_t pid, struct inject **ret, struct err *e)
{
	struct inject *i = calloc(1, sizeof(*i));
	if (!i)
		return err_set(e, ENOMEM, "no memory to probe process %d", (int)pid);
	*i = (struct inject){.pid = pid, .mem = -1};
	int status = look_into(i, e);
	if (status)
		inject_close(i);
	else
		*ret = i;
	return status;
}

void inject_close(struct inject *i)
{
	if (!i)
		return;
	array_each(batch, &i->batches)
		inject_batch_destroy(*batch);
	array_free(&i->batches);
	array_free(&i->lingering);
	if (i->mem >= 0)
		close(i->mem);
	free(i);
}

/* Nothing can be read any more through a descriptor to memory that an exec has replaced. */
static int say_unreadable(const struct inject *i, ssize_t got, uint64_t address, struct err *e)
{
	if (got == 0)
		return err_set(e, ESRCH, "process %d has ended, or become another program",
			       (int)i->pid);
	return err_set(e, EFAULT, "process %d has nothing, or something else, at %#llx",
		       (int)i->pid, (unsigned long long)address);
}

int inject_read(const struct inject *i, uint64_t address, void *data, size_t bytes, struct err *e)
{
	ssize_t got = pread(i->mem, data, bytes, (off_t)address);
	return got == (ssize_t)bytes ? 0 : say_unreadable(i, got, address, e);
}

int inject_write(const struct inject *i, uint64_t address, const void *data, size_t bytes,
		 struct err *e)
{
	ssize_t got = pwrite(i->mem, data, bytes, (off_t)address);
	return got == (ssize_t)bytes ? 0 : say_unreadable(i, got, address, e);
}
