/* SPDX-License-Identifier: MIT */
#include "kernel/clean.h"

#include "kernel/tracefs.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

/* cairn-PID-SESSION. */
static bool is_ours(const char *name)
{
	int at = 0;
	return sscanf(name, "cairn-%*d-%n", &at) == 0 && at > 0 && name[at];
}

static bool remove_dead(const char *instances, const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", instances, name);
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB))
		return false;
	tracefs_write("0", NULL, "%s/events/enable", path);
	return rmdir(path) == 0;
}

size_t clean_instances(void)
{
	const char *tracefs;
	char instances[256];
	size_t removed = 0;
	if (tracefs_find(&tracefs, NULL))
		return 0;
	snprintf(instances, sizeof(instances), "%s/instances", tracefs);
	DIR *directory = opendir(instances);
	if (!directory)
		return 0;
	for (struct dirent *entry; (entry = readdir(directory));)
		if (is_ours(entry->d_name))
			removed += remove_dead(instances, entry->d_name);
	closedir(directory);
	return removed;
}
