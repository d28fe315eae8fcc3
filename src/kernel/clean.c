/* SPDX-License-Identifier: MIT */
#include "kernel/clean.h"

#include "kernel/dynamic_event.h"
#include "kernel/tracefs.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

/* A directory that its maker keeps locked; the caller closes it. −1 when the maker lives. */
static int lock_dead(const char *tracefs, const char *folder, const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s/%s", tracefs, folder, name);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	return -1;
}

/* cairn-PID-SESSION. */
static bool remove_instance(const char *tracefs, const char *name)
{
	char path[512];
	int at = 0;
	if (sscanf(name, "cairn-%*d-%n", &at) != 0 || at == 0 || !name[at])
		return false;
	CLEANUP(fd) int fd = lock_dead(tracefs, "instances", name);
	if (fd < 0)
		return false;
	snprintf(path, sizeof(path), "%s/instances/%s", tracefs, name);
	tracefs_write("0", NULL, "%s/events/enable", path);
	return rmdir(path) == 0;
}

/* cairn_PID_N. */
static bool remove_events(const char *tracefs, const char *name)
{
	int at = 0;
	if (sscanf(name, "cairn_%*d_%*d%n", &at) != 0 || at == 0 || name[at])
		return false;
	CLEANUP(fd) int fd = lock_dead(tracefs, "events", name);
	return fd >= 0 && dynamic_group_remove(tracefs, name);
}

static size_t clean(const char *folder, bool (*take_away)(const char *, const char *))
{
	const char *tracefs;
	char path[256];
	size_t removed = 0;
	if (tracefs_find(&tracefs, NULL))
		return 0;
	snprintf(path, sizeof(path), "%s/%s", tracefs, folder);
	DIR *directory = opendir(path);
	if (!directory)
		return 0;
	for (struct dirent *entry; (entry = readdir(directory));)
		removed += take_away(tracefs, entry->d_name);
	closedir(directory);
	return removed;
}

size_t clean_instances(void)
{
	return clean("instances", remove_instance);
}

size_t clean_dynamic_events(void)
{
	return clean("events", remove_events);
}
