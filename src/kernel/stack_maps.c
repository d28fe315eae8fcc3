/* SPDX-License-Identifier: MIT */
#include "kernel/stack_maps.h"

#include "util/cleanup.h"

#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool stack_maps_parse(char *line, struct stack_map *ret)
{
	char permissions[8];
	int path = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %n", &ret->start,
		   &ret->end, permissions, &ret->offset, &path) != 4 ||
	    path == 0 || strlen(permissions) != 4 || ret->start >= ret->end)
		return false;
	ret->path = line + path;
	return permissions[2] == 'x';
}

static FILE *open_proc(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fopen(path, "re");
}

int stack_maps_read(pid_t pid, stack_maps_each each, void *context)
{
	CLEANUP(stream) FILE *maps = open_proc(pid, "maps");
	CLEANUP(free) char *line = NULL;
	size_t capacity = 0;
	ssize_t bytes;
	int status = 0;

	if (!maps)
		return -ESRCH;
	while (status == 0 && (bytes = getline(&line, &capacity, maps)) > 0) {
		struct stack_map map;
		if (line[bytes - 1] == '\n')
			line[bytes - 1] = 0;
		if (stack_maps_parse(line, &map))
			status = each(context, &map);
	}
	return status;
}

uint32_t stack_maps_exec_pages(pid_t pid)
{
	CLEANUP(stream) FILE *file = open_proc(pid, "status");
	CLEANUP(free) char *line = NULL;
	size_t capacity = 0;
	uint64_t total_kb = 0, kb;

	while (file && getline(&line, &capacity, file) > 0) {
		if (sscanf(line, "VmExe: %" SCNu64, &kb) == 1 ||
		    sscanf(line, "VmLib: %" SCNu64, &kb) == 1)
			total_kb += kb;
	}
	return (uint32_t)(total_kb * 1024 / (uint64_t)sysconf(_SC_PAGESIZE));
}

static int read_children(const char *path, stack_maps_child each, void *context)
{
	CLEANUP(stream) FILE *file = fopen(path, "re");
	int pid, status = 0;

	while (file && status == 0 && fscanf(file, "%d", &pid) == 1)
		status = each(context, (pid_t)pid);
	return status;
}

void stack_maps_children(pid_t pid, stack_maps_child each, void *context)
{
	char path[64];
	glob_t found;

	snprintf(path, sizeof(path), "/proc/%d/task/*/children", (int)pid);
	if (glob(path, GLOB_NOSORT, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (read_children(found.gl_pathv[i], each, context))
			break;
	globfree(&found);
}

bool stack_maps_is_own_program(pid_t pid)
{
	char path[64];
	struct stat own, other;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return stat("/proc/self/exe", &own) == 0 && stat(path, &other) == 0 &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}
