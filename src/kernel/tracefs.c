/* SPDX-License-Identifier: MIT */
#include "kernel/tracefs.h"

#include "util/array.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#define TRACEFS_HOME "/sys/kernel/tracing"

/* Where a mount may be; the second is the automatic mount of old installations. */
static const char *const places[] = {TRACEFS_HOME, "/sys/kernel/debug/tracing"};

static bool is_tracefs(const char *directory)
{
	struct statfs fs;
	return statfs(directory, &fs) == 0 && fs.f_type == TRACEFS_MAGIC;
}

int tracefs_find(const char **ret, struct err *e)
{
	const char *found = NULL;
	for (size_t i = 0; !found && i < sizeof(places) / sizeof(places[0]); i++)
		if (is_tracefs(places[i]))
			found = places[i];
	if (!found) {
		if (mount("tracefs", TRACEFS_HOME, "tracefs", 0, NULL))
			return err_errno(e,
					 "tracefs is not mounted and cannot be by uid %u (as "
					 "root: mount -t tracefs tracefs " TRACEFS_HOME ")",
					 geteuid());
		found = TRACEFS_HOME;
	}
	if (faccessat(AT_FDCWD, found, R_OK | X_OK, AT_EACCESS))
		return err_set(e, errno,
			       "tracefs is not readable by uid %u: run as root or with "
			       "CAP_DAC_READ_SEARCH, or grant it to a group (mount -o "
			       "remount,mode=750,gid=GROUP %s)",
			       geteuid(), found);
	*ret = found;
	return 0;
}

static int format_path(char *path, size_t bytes, const char *format, va_list args, struct err *e)
{
	int length = vsnprintf(path, bytes, format, args);
	if (length < 0 || (size_t)length >= bytes)
		return err_set(e, ENAMETOOLONG, "path too long: %.80s…", path);
	return 0;
}

static int read_all(int fd, struct text *text)
{
	char chunk[4096];
	ssize_t got;
	text_append(text, "", 0);
	while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
		if (got > 0)
			text_append(text, chunk, (size_t)got);
		else if (errno != EINTR)
			return -errno;
	}
	return text->failed ? -ENOMEM : 0;
}

int tracefs_read(struct text *ret, struct err *e, const char *format, ...)
{
	char path[512];
	va_list args;
	va_start(args, format);
	int result = format_path(path, sizeof(path), format, args, e);
	va_end(args);
	if (result)
		return result;
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "cannot open %s", path);
	struct text text = {0};
	result = read_all(fd, &text);
	if (result) {
		text_deinit(&text);
		return err_set(e, -result, "cannot read %s: %s", path, strerror(-result));
	}
	*ret = text;
	return 0;
}

int tracefs_write(const char *value, struct err *e, const char *format, ...)
{
	char path[512];
	va_list args;
	va_start(args, format);
	int result = format_path(path, sizeof(path), format, args, e);
	va_end(args);
	if (result)
		return result;
	CLEANUP(fd) int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "cannot open %s", path);
	size_t bytes = strlen(value);
	if (write(fd, value, bytes) != (ssize_t)bytes)
		return err_errno(e, "cannot write \"%s\" to %s", value, path);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int tracefs_events(const char *tracefs, const char *glob, struct tracefs_names *ret, struct err *e)
{
	struct text text = {0};
	int result = tracefs_read(&text, e, "%s/available_events", tracefs);
	if (result)
		return result;
	bool with_subsystem = strchr(glob, ':');
	ARRAY(char *) names = {0};
	char *place = NULL;
	for (char *line = strtok_r(text.data, "\n", &place); line && !result;
	     line = strtok_r(NULL, "\n", &place)) {
		const char *colon = strchr(line, ':');
		if (!colon || !text_glob(glob, with_subsystem ? line : colon + 1))
			continue;
		char *copy = strdup(line);
		if (!copy || array_push(&names, copy)) {
			free(copy);
			result = err_set(e, ENOMEM, "no memory for the list of events");
		}
	}
	text_deinit(&text);
	struct tracefs_names found = {names.items, names.count};
	if (result) {
		tracefs_names_free(&found);
		return result;
	}
	if (found.count)
		qsort(found.items, found.count, sizeof(*found.items), by_name);
	*ret = found;
	return 0;
}

void tracefs_names_free(struct tracefs_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct tracefs_names){0};
}
