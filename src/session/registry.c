/* SPDX-License-Identifier: MIT */
#include "session/registry.h"

#include "session/control.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int registry_directory(char ret[96], struct err *e)
{
	char control[80];
	int status = control_directory(control, e);
	if (status < 0)
		return status;
	snprintf(ret, 96, "%s/kept", control);
	if (mkdir(ret, 0700) < 0 && errno != EEXIST)
		return err_errno(e, "cannot make %s", ret);
	return 0;
}

/* Whether the locked file is still the one of that name. */
static bool is_current(int directory, const char *name, int fd)
{
	struct stat locked, named;
	return fstat(fd, &locked) == 0 &&
	       fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       locked.st_ino == named.st_ino;
}

int registry_open(struct registry *ret, struct err *e)
{
	struct registry r = {.fd = -1};
	char directory[96];
	int status = registry_directory(directory, e);
	if (status < 0)
		return status;
	snprintf(r.name, sizeof(r.name), "%d", (int)getpid());
	snprintf(r.path, sizeof(r.path), "%s/%s", directory, r.name);
	CLEANUP(fd) int fd = open(r.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	/* Between open and lock another cairn may have taken it for a dead one's. */
	if (fd < 0 || flock(fd, LOCK_EX) < 0 || !is_current(AT_FDCWD, r.path, fd))
		return err_errno(e, "cannot make %s", r.path);
	r.fd = TAKE(fd, -1);
	*ret = r;
	return 0;
}

static int put(int fd, const char *text)
{
	size_t bytes = strlen(text) + 1;
	for (ssize_t n; bytes; text += n, bytes -= (size_t)n) {
		n = write(fd, text, bytes);
		if (n <= 0)
			return -1;
	}
	return 0;
}

int registry_write(struct registry *r, const char *trace, const char *metadata, struct err *e)
{
	char path[PATH_MAX];
	int status = registry_locate(trace, path, e);
	if (status < 0)
		return status;
	if (ftruncate(r->fd, 0) < 0 || lseek(r->fd, 0, SEEK_SET) < 0 || put(r->fd, path) < 0 ||
	    put(r->fd, metadata ? metadata : "") < 0)
		return err_errno(e, "cannot write %s", r->path);
	return 0;
}

void registry_close(struct registry *r)
{
	if (r->fd < 0)
		return;
	unlink(r->path);
	close(r->fd);
	r->fd = -1;
}

static char *read_whole(int fd, size_t *bytes_ret)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return NULL;
	size_t bytes = (size_t)status.st_size;
	char *data = calloc(1, bytes + 2); /* two strings end here, whatever is missing */
	ssize_t n = data ? pread(fd, data, bytes, 0) : -1;
	*bytes_ret = n < 0 ? 0 : (size_t)n;
	return data;
}

static bool visit_file(int directory, const char *name,
		       bool (*visit)(void *context, const struct registry_entry *entry),
		       void *context)
{
	size_t bytes;
	CLEANUP(fd) int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || !is_current(directory, name, fd))
		return false;
	CLEANUP(free) char *data = read_whole(fd, &bytes);
	if (!data)
		return false;
	const char *metadata = data + strlen(data) + 1;
	struct registry_entry entry = {name, data, metadata, strlen(metadata)};
	bool done = visit(context, &entry);
	if (done)
		unlinkat(directory, name, 0);
	return done;
}

int registry_each_dead(bool (*visit)(void *context, const struct registry_entry *entry),
		       void *context, struct err *e)
{
	char path[96];
	int status = registry_directory(path, e);
	if (status < 0)
		return status;
	DIR *directory = opendir(path);
	if (!directory)
		return err_errno(e, "cannot read %s", path);
	for (struct dirent *entry; (entry = readdir(directory));) {
		if (entry->d_name[0] != '.')
			visit_file(dirfd(directory), entry->d_name, visit, context);
	}
	closedir(directory);
	return 0;
}

int registry_locate(const char *trace, char ret[PATH_MAX], struct err *e)
{
	if (realpath(trace, ret))
		return 0;
	char parent[PATH_MAX], name[PATH_MAX], found[PATH_MAX];
	snprintf(parent, sizeof(parent), "%s", trace);
	snprintf(name, sizeof(name), "%s", trace);
	if (!realpath(dirname(parent), found))
		return err_errno(e, "cannot find the directory of %s", trace);
	if (snprintf(ret, PATH_MAX, "%s/%s", strcmp(found, "/") ? found : "", basename(name)) >=
	    PATH_MAX)
		return err_set(e, ENAMETOOLONG, "the path of %s is too long", trace);
	return 0;
}
