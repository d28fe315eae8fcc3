/* SPDX-License-Identifier: MIT */
/* walk_process PID: stops a thread and prints its user stack, walked by unwind tables. */
#include "kernel/stack_files.h"
#include "lineinfo/unwind_cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 4096, STACK_BYTES = 1 << 20 };

static struct unwind_mapping mappings[1024];
static struct unwind_walk walk = {.blocks = BLOCKS, .mappings = mappings};
static struct stack_files files;
static const struct stack_source source = {.build = unwind_cache_build};
static pid_t pid;

static int add(void *context, const struct stack_map *map)
{
	(void)context;
	if (walk.mapping_count == sizeof(mappings) / sizeof(mappings[0]))
		return -1;
	mappings[walk.mapping_count++] = stack_files_mapping(&files, pid, map, true);
	return 0;
}

/* Once for the tables to be made, once to have them. */
static int read_maps(void)
{
	for (int i = 0; i < 2; i++) {
		walk.mapping_count = 0;
		if (stack_maps_read(pid, add, NULL))
			return -1;
		stack_builder_wait(files.builder, false, 30000);
		stack_files_collect(&files);
	}
	return 0;
}

static int read_stack(uint64_t sp)
{
	static uint8_t copy[STACK_BYTES];
	char path[64];
	ssize_t bytes = 0;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	int memory = open(path, O_RDONLY);
	/* Page by page: the stack's end is not known. */
	while (memory >= 0 && (size_t)bytes < sizeof(copy)) {
		size_t page = 4096 - ((sp + (uint64_t)bytes) & 4095);
		if ((size_t)bytes + page > sizeof(copy))
			break;
		ssize_t got = pread(memory, copy + bytes, page, (off_t)(sp + (uint64_t)bytes));
		if (got <= 0)
			break;
		bytes += got;
	}
	walk.stack = copy;
	walk.stack_address = sp;
	walk.stack_bytes = (size_t)bytes;
	return bytes > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	int space = memfd_create("space", MFD_CLOEXEC), status, why;
	struct user_regs_struct regs;
	struct err e;
	uint64_t ips[UNWIND_FRAMES_MAX];

	if (argc != 2 || ftruncate(space, (off_t)BLOCKS * UNWIND_BLOCK_WORDS * 4) ||
	    stack_files_open(&files, space, BLOCKS, &source, &e))
		return 2;
	pid = atoi(argv[1]);
	walk.words = files.space;
	if (ptrace(PTRACE_ATTACH, pid, 0, 0) || waitpid(pid, &status, __WALL) != pid ||
	    ptrace(PTRACE_GETREGS, pid, 0, &regs) || read_maps() || read_stack(regs.rsp)) {
		perror("walk_process");
		return 1;
	}
	struct unwind_start start = {regs.rip, regs.rsp, regs.rbp, regs.orig_rax == UINT64_MAX};
	unsigned count = unwind_walk_frames(&walk, &start, ips, UNWIND_FRAMES_MAX, &why);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	for (unsigned i = 0; i < count; i++)
		printf("%#llx\n", (unsigned long long)ips[i]);
	printf("%s\n", why == UNWIND_COMPLETE ? "complete" : "cut");
	stack_files_close(&files);
	return 0;
}
