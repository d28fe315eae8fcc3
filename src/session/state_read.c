/* SPDX-License-Identifier: MIT */
/* One process as /proc shows it. It may vanish at any line; then it has told what it has told. */
#include "elf/elf_file.h"
#include "session/state.h"
#include "util/cleanup.h"
#include "util/proc.h"
#include "util/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FDS_MAX = 4096 };

static ssize_t read_file(char *buffer, size_t bytes, const char *format, pid_t pid, pid_t tid)
{
	char path[96];
	snprintf(path, sizeof(path), format, (int)pid, (int)tid);
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, buffer, bytes - 1);
	buffer[got > 0 ? got : 0] = 0;
	return got;
}

static void read_stat(struct state_process *p, bool *is_kernel_ret)
{
	char text[512];
	struct proc_stat stat = {.parent = p->parent};
	if (read_file(text, sizeof(text), "/proc/%d/stat", p->pid, 0) > 0)
		proc_stat_parse(text, &stat);
	p->parent = stat.parent;
	*is_kernel_ret = stat.is_kernel;
}

static void read_args(struct state_process *p, uint64_t now_ns)
{
	char args[STATE_ARGS_BYTES];
	ssize_t got = read_file(args, sizeof(args), "/proc/%d/cmdline", p->pid, 0);
	while (got > 0 && !args[got - 1])
		got--;
	if (got <= 0)
		return;
	for (ssize_t i = 0; i < got; i++) {
		if (!args[i])
			args[i] = ' ';
	}
	args[got] = 0;
	if (p->args && !strcmp(p->args, args))
		return;
	free(p->args);
	p->args = strdup(args);
	p->args_ns = now_ns;
	p->args_written = false;
}

static void read_thread(struct state_process *p, pid_t tid, bool is_kernel, uint64_t now_ns)
{
	char name[32];
	ssize_t got = read_file(name, sizeof(name), "/proc/%d/task/%d/comm", p->pid, tid);
	struct state_thread *thread = got > 0 ? state_thread(p, tid) : NULL;
	if (!thread)
		return;
	name[strcspn(name, "\n")] = 0;
	name[sizeof(thread->name) - 1] = 0;
	if (!strcmp(thread->name, name))
		return;
	memcpy(thread->name, name, sizeof(thread->name));
	thread->is_kernel = is_kernel;
	thread->since_ns = now_ns;
	thread->written = false;
}

static void read_threads(struct state_process *p, bool is_kernel, uint64_t now_ns)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)p->pid);
	DIR *d = opendir(path);
	for (struct dirent *entry; d && (entry = readdir(d));) {
		pid_t tid = atoi(entry->d_name);
		if (tid > 0)
			read_thread(p, tid, is_kernel, now_ns);
	}
	if (d)
		closedir(d);
}

void state_read_process(struct state *s, struct state_process *p, uint64_t now_ns)
{
	bool is_kernel;
	read_stat(p, &is_kernel);
	read_threads(p, is_kernel, now_ns);
	if (is_kernel)
		return;
	read_args(p, now_ns);
	state_read_maps(s, p, now_ns);
}

/* Through the process's own view of it: another mount namespace has other files there. */
static struct state_file *file_new(pid_t pid, const struct proc_map *line)
{
	struct state_file *file = calloc(1, sizeof(*file));
	if (!file || !(file->path = strdup(line->path))) {
		free(file);
		return NULL;
	}
	char path[128];
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid,
		 line->start, line->end);
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && *line->path == '/') {
		char root[STATE_PATH_BYTES + 32];
		snprintf(root, sizeof(root), "/proc/%d/root%s", (int)pid, line->path);
		fd = open(root, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	}
	char build_id[ELF_BUILD_ID_TEXT_BYTES] = "";
	if (fd >= 0 && elf_build_id_read(fd, build_id) == 0)
		snprintf(file->build_id, sizeof(file->build_id), "%s", build_id);
	return file;
}

static uint64_t file_key(const struct proc_map *line)
{
	uint64_t key =
		line->inode * 0x9e3779b97f4a7c15u ^ ((uint64_t)line->major << 32 | line->minor);
	for (const char *c = line->path; *c; c++)
		key = (key ^ (uint8_t)*c) * 0x100000001b3u;
	return key;
}

static struct state_file *file_of(struct state *s, pid_t pid, const struct proc_map *line)
{
	uint64_t key = file_key(line);
	struct state_file *file = map_find_pointer(&s->files, key);
	if (file)
		return file;
	file = file_new(pid, line);
	uint64_t *place = file ? map_put(&s->files, key) : NULL;
	if (place)
		*place = (uint64_t)(uintptr_t)file;
	return file;
}

static bool known(const struct state_process *p, const struct proc_map *line, const char *path)
{
	array_each(map, &p->maps) {
		if (map->start == line->start && map->end == line->end &&
		    map->offset == line->offset && map->path == path)
			return true;
	}
	return false;
}

static void add_map(struct state *s, struct state_process *p, const struct proc_map *line,
		    uint64_t now_ns)
{
	struct state_file *file = file_of(s, p->pid, line);
	if (!file || known(p, line, file->path))
		return;
	struct state_map *map = array_add(&p->maps);
	if (map)
		*map = (struct state_map){.start = line->start,
					  .end = line->end,
					  .offset = line->offset,
					  .path = file->path,
					  .build_id = file->build_id,
					  .since_ns = now_ns};
}

void state_read_maps(struct state *s, struct state_process *p, uint64_t now_ns)
{
	char path[64];
	CLEANUP(free) char *line = NULL;
	size_t bytes = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)p->pid);
	CLEANUP(stream) FILE *in = fopen(path, "re");
	if (!in) {
		s->hidden_maps += errno == EACCES || errno == EPERM;
		return;
	}
	while (getline(&line, &bytes, in) > 0) {
		struct proc_map map;
		if (proc_map_parse(line, &map) && map.executable &&
		    (*map.path == '/' || !strcmp(map.path, "[vdso]")))
			add_map(s, p, &map, now_ns);
	}
}

static void read_fd(struct state_process *p, int directory, const char *name, uint64_t now_ns)
{
	char path[STATE_PATH_BYTES];
	int number = atoi(name);
	ssize_t got = readlinkat(directory, name, path, sizeof(path) - 1);
	if (got <= 0)
		return;
	path[got] = 0;
	struct state_fd *found = NULL;
	array_each(fd, &p->fds) {
		if (fd->fd == number)
			found = fd;
	}
	if (found && !strcmp(found->path, path))
		return;
	char *copy = strdup(path);
	if (!copy || (!found && !(found = array_add(&p->fds)))) {
		free(copy);
		return;
	}
	free(found->path);
	*found = (struct state_fd){.fd = number, .path = copy, .since_ns = now_ns};
}

void state_read_fds(struct state_process *p, uint64_t now_ns)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)p->pid);
	DIR *d = opendir(path);
	int count = 0;
	for (struct dirent *entry; d && (entry = readdir(d)) && count < FDS_MAX;) {
		if (*entry->d_name == '.')
			continue;
		read_fd(p, dirfd(d), entry->d_name, now_ns);
		count++;
	}
	if (d)
		closedir(d);
}
