/* SPDX-License-Identifier: MIT */
#include "kernel/instance.h"

#include "kernel/tracefs.h"
#include "util/cleanup.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* A file's name, whatever the session is called. */
static void path_of(struct instance *i, const char *tracefs, const char *session)
{
	int at = snprintf(i->path, sizeof(i->path), "%s/instances/cairn-%d-%.64s", tracefs,
			  getpid(), session ? session : "session");
	for (char *c = strrchr(i->path, '/') + 1; c < i->path + at; c++)
		if (!isalnum((unsigned char)*c) && *c != '.' && *c != '-')
			*c = '_';
}

static int set_up(struct instance *i, size_t ring_bytes, bool overwrite, struct err *e)
{
	char kilobytes[24];
	snprintf(kilobytes, sizeof(kilobytes), "%zu", (ring_bytes + 1023) / 1024);
	int result = tracefs_write("0", e, "%s/tracing_on", i->path);
	if (!result)
		result = tracefs_write("mono", e, "%s/trace_clock", i->path);
	if (!result)
		result = tracefs_write(overwrite ? "1" : "0", e, "%s/options/overwrite", i->path);
	if (!result)
		result = tracefs_write(kilobytes, e, "%s/buffer_size_kb", i->path);
	return result;
}

int instance_create(struct instance *ret, const char *tracefs, const char *session,
		    size_t ring_bytes, bool overwrite, struct err *e)
{
	struct instance i = {.lock_fd = -1};
	path_of(&i, tracefs, session);
	if (mkdir(i.path, 0750))
		return errno == EACCES || errno == EPERM
			       ? err_set(e, errno,
					 "uid %u may not make a tracefs instance: run as root",
					 geteuid())
			       : err_errno(e, "cannot make the tracefs instance %s", i.path);
	i.lock_fd = open(i.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat at_path, locked;
	/* Between mkdir and lock a cleaning cairn may have taken it for a dead one's. */
	if (i.lock_fd < 0 || flock(i.lock_fd, LOCK_EX) || fstat(i.lock_fd, &locked) ||
	    stat(i.path, &at_path) || locked.st_ino != at_path.st_ino) {
		int result = err_errno(e, "cannot lock the tracefs instance %s", i.path);
		instance_destroy(&i);
		return result;
	}
	int result = set_up(&i, ring_bytes, overwrite, e);
	if (result)
		instance_destroy(&i);
	else
		*ret = i;
	return result;
}

void instance_destroy(struct instance *i)
{
	if (!*i->path)
		return;
	tracefs_write("0", NULL, "%s/tracing_on", i->path);
	tracefs_write("0", NULL, "%s/events/enable", i->path);
	rmdir(i->path);
	if (i->lock_fd >= 0)
		close(i->lock_fd);
	*i = (struct instance){.lock_fd = -1};
}

/* The kernel's last word on a filter: "… error: Field not found" in the error log. */
static void quote_kernel(const struct instance *i, char *ret, size_t bytes)
{
	struct text log = {0};
	const char *found = NULL;
	if (tracefs_read(&log, NULL, "%s/error_log", i->path) == 0)
		for (const char *at = log.data; (at = strstr(at, "error: ")); at++)
			found = at + strlen("error: ");
	snprintf(ret, bytes, "%.*s", found ? (int)strcspn(found, "\n") : 16,
		 found ? found : "invalid argument");
	text_deinit(&log);
}

static int set_filter(struct instance *i, const struct convert_event *event, int own_pid,
		      struct err *e)
{
	const struct format *f = event->format;
	struct text filter = {0};
	int result = convert_filter(event, own_pid, &filter, e);
	if (!result && filter.bytes)
		result = tracefs_write(filter.data, e, "%s/events/%s/%s/filter", i->path,
				       f->subsystem, f->name);
	if (result == -EINVAL) {
		char why[120];
		quote_kernel(i, why, sizeof(why));
		err_set(e, EINVAL, "the kernel refuses the filter \"%s\" of %s:%s: %s", filter.data,
			f->subsystem, f->name, why);
	}
	text_deinit(&filter);
	return result;
}

int instance_enable(struct instance *i, const struct convert_event *event, int own_pid,
		    struct err *e)
{
	const struct format *f = event->format;
	int result = set_filter(i, event, own_pid, e);
	if (result)
		return result;
	return tracefs_write("1", e, "%s/events/%s/%s/enable", i->path, f->subsystem, f->name);
}

int instance_switch(struct instance *i, bool on, struct err *e)
{
	return tracefs_write(on ? "1" : "0", e, "%s/tracing_on", i->path);
}

static unsigned long long number_of(const char *text, const char *label)
{
	const char *found = strstr(text, label);
	return found ? strtoull(found + strlen(label), NULL, 10) : 0;
}

int instance_stats(const struct instance *i, unsigned cpu, struct instance_stats *ret,
		   struct err *e)
{
	struct text text = {0};
	int result = tracefs_read(&text, e, "%s/per_cpu/cpu%u/stats", i->path, cpu);
	if (result)
		return result;
	ret->entries = number_of(text.data, "entries: ");
	ret->lost =
		number_of(text.data, "commit overrun: ") + number_of(text.data, "dropped events: ");
	text_deinit(&text);
	return 0;
}
