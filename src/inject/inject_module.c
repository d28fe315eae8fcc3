/* SPDX-License-Identifier: MIT */
/* The files that a process runs code of. */
#include "inject/inject_own.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Its whole path, or its name, of which a version may follow. */
static bool is_named(const struct proc_map *map, const char *path)
{
	const char *last = strrchr(map->path, '/');
	size_t bytes = strlen(path);
	return !strcmp(map->path, path) || (last && !strncmp(last + 1, path, bytes) &&
					    (last[1 + bytes] == 0 || last[1 + bytes] == '.'));
}

static bool is_file(const struct proc_map *map, const struct stat *file)
{
	return map->inode == file->st_ino && map->major == major(file->st_dev) &&
	       map->minor == minor(file->st_dev);
}

/* The file itself where the kernel gives it, else whatever its path is now, if it is the same. */
static int open_mapped(const struct inject *i, const struct proc_map *map, struct err *e)
{
	char path[4200];
	struct stat file;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", (int)i->pid,
		 (unsigned long long)map->start, (unsigned long long)map->end);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)i->pid, map->path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && !fstat(fd, &file) && is_file(map, &file))
		return fd;
	if (fd >= 0)
		close(fd);
	return err_set(e, ENOENT,
		       "the file that process %d runs as %s is gone, or was replaced: start the "
		       "process anew",
		       (int)i->pid, map->path);
}

/* Of the program, the maps name the path that the kernel followed; its file is what counts. */
static const struct proc_map *find_code(const struct inject *i, const struct inject_maps *maps,
					const char *path)
{
	struct stat program;
	char link[64];
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)i->pid);
	if (!path && stat(link, &program))
		return NULL;
	array_each(map, &maps->maps) {
		if (map->executable && (path ? is_named(map, path) : is_file(map, &program)))
			return map;
	}
	return NULL;
}

int inject_module_open(struct inject *i, const char *path, struct inject_module *ret, struct err *e)
{
	CLEANUP_MAPS struct inject_maps maps = {0};
	struct inject_code *code;
	int status = inject_maps_read(i->pid, &maps, e);
	if (status)
		return status;
	const struct proc_map *map = find_code(i, &maps, path);
	if (!map)
		return err_set(e, ENOENT, "process %d runs no code of %s", (int)i->pid,
			       path ? path : "its own program");
	CLEANUP(fd) int fd = open_mapped(i, map, e);
	if (fd < 0)
		return fd;
	status = inject_code_open(fd, map->path, &code, e);
	if (status)
		return status;
	uint64_t linked = code->image.text.address - code->text_offset + map->offset;
	*ret = (struct inject_module){code, map->start - linked};
	return 0;
}

void inject_module_close(struct inject_module *m)
{
	inject_code_close(m->code);
	m->code = NULL;
}
