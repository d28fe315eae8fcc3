/* SPDX-License-Identifier: MIT */
#include "kernel/dynamic_event.h"

#include "kernel/tracefs.h"
#include "util/cleanup.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { GROUPS_MAX = 64, NAMESAKES_MAX = 1000 };

int dynamic_event_kernel_allows(const char *tracefs, struct err *e)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/kprobe_events", tracefs);
	if (access(path, F_OK) == 0)
		return 0;
	return err_set(e, EOPNOTSUPP,
		       "this kernel was built without kprobes (CONFIG_KPROBE_EVENTS), so its "
		       "functions cannot be probed; its tracepoints can be recorded (`cairn list "
		       "events`), and any other kernel of a distribution has kprobes");
}

/* Never opened for truncation: that would remove everybody's events. */
static int tell_kernel(const char *tracefs, const char *command)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/dynamic_events", tracefs);
	CLEANUP(fd) int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size_t bytes = strlen(command);
	return write(fd, command, bytes) == (ssize_t)bytes ? 0 : -errno;
}

const char *dynamic_event_complaint(char *log, const char *command)
{
	static const char error[] = ": error: ", echo[] = "  Command: ";
	const char *found = NULL, *last = NULL;
	char *place = NULL;
	for (char *line = strtok_r(log, "\n", &place); line; line = strtok_r(NULL, "\n", &place)) {
		char *text = strstr(line, error);
		if (text)
			last = text + sizeof(error) - 1;
		else if (last && !strncmp(line, echo, sizeof(echo) - 1) &&
			 !strcmp(line + sizeof(echo) - 1, command))
			found = last;
	}
	return found;
}

/* The kernel's words, and what a person can do about them. */
static const struct {
	const char *complaint, *advice;
} advices[] = {
	{"Invalid probed address or symbol",
	 "this kernel has no function of that name, or the compiler put it into its callers "
	 "(`cairn list 'kprobe:*NAME*'` searches)"},
	{"The symbol is not unique",
	 "several functions of this kernel have that name; it offers no way to tell them apart"},
	{"Failed to register probe event",
	 "the kernel does not let this place be probed: it is on the kprobes' own way, or no "
	 "instruction begins there"},
	{"Probe point is not an instruction boundary", "no instruction begins there"},
	{"$arg* can be used only on function entry",
	 "parameters are known at the entry of a function only"},
	{"$arg* can be used only on function entry or exit",
	 "parameters are known at the entry of a function only"},
	{"Invalid $-variable specified",
	 "this kernel does not know a parameter at the function's return (6.9 and later do)"},
	{"Invalid $-valiable specified",
	 "this kernel does not know a parameter at the function's return (6.9 and later do)"},
	{"Retprobe address must be an function entry", "a return is of a whole function"},
};

static int refused(const struct dynamic_events *d, const struct dynamic_event *event,
		   const char *command, int code, struct err *e)
{
	CLEANUP_TEXT struct text log = {0};
	const char *complaint = NULL;
	char path[256];
	snprintf(path, sizeof(path), "%s/dynamic_events", d->tracefs);
	if (access(path, F_OK))
		return err_set(e, EOPNOTSUPP,
			       "%s: this kernel was built without probes as events "
			       "(CONFIG_UPROBE_EVENTS, CONFIG_KPROBE_EVENTS)",
			       event->called);
	if (access(path, W_OK))
		return err_set(e, -code, "uid %u may not have the kernel place %s: run as root",
			       geteuid(), event->called);
	if (code == -EPERM)
		return err_set(e, -code,
			       "the kernel places no probes, %s neither: it is locked down "
			       "(/sys/kernel/security/lockdown)",
			       event->called);
	if (tracefs_read(&log, NULL, "%s/error_log", d->tracefs) == 0)
		complaint = dynamic_event_complaint(log.data, command);
	if (!complaint)
		return err_set(e, -code, "the kernel refuses %s: %s", event->called,
			       strerror(-code));
	for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
		if (!strcmp(advices[i].complaint, complaint))
			return err_set(e, -code, "the kernel refuses %s: %s", event->called,
				       advices[i].advice);
	}
	return err_set(e, -code, "the kernel refuses %s: %s", event->called, complaint);
}

/* A C identifier, whatever the function is called; leaves room for a number. */
static void choose_name(const struct dynamic_events *d, const char *wish, char *ret)
{
	char stem[DYNAMIC_EVENT_NAME_BYTES - 13], path[512];
	snprintf(stem, sizeof(stem), "%s%s", isdigit((unsigned char)*wish) ? "_" : "", wish);
	for (char *c = stem; *c; c++)
		*c = isalnum((unsigned char)*c) ? *c : '_';
	snprintf(ret, DYNAMIC_EVENT_NAME_BYTES, "%s", *stem ? stem : "probe");
	for (int i = 2; i < NAMESAKES_MAX; i++) {
		snprintf(path, sizeof(path), "%s/events/%s/%s", d->tracefs, d->group, ret);
		if (access(path, F_OK))
			return;
		snprintf(ret, DYNAMIC_EVENT_NAME_BYTES, "%s_%d", *stem ? stem : "probe", i);
	}
}

/* The lock of the group that now exists; a cleaning cairn may have taken it for a dead one's. */
static bool lock_group(struct dynamic_events *d)
{
	char path[256];
	struct stat at_path, locked;
	snprintf(path, sizeof(path), "%s/events/%s", d->tracefs, d->group);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB) && !fstat(fd, &locked) &&
	    !stat(path, &at_path) && locked.st_ino == at_path.st_ino) {
		d->lock_fd = fd;
		return true;
	}
	if (fd >= 0)
		close(fd);
	return false;
}

/* The next group that does not exist: somebody in another pid namespace may have our number. */
static bool choose_group(struct dynamic_events *d, int *number)
{
	char path[256];
	for (; *number < GROUPS_MAX; ++*number) {
		snprintf(d->group, sizeof(d->group), "cairn_%d_%d", (int)getpid(), *number);
		snprintf(path, sizeof(path), "%s/events/%s", d->tracefs, d->group);
		if (access(path, F_OK))
			return true;
	}
	return false;
}

static int define(struct dynamic_events *d, const struct dynamic_event *event, char *name,
		  struct err *e)
{
	CLEANUP_TEXT struct text command = {0};
	choose_name(d, event->wish, name);
	text_print(&command, "%c:%s/%s %s%s%s", event->is_return ? 'r' : 'p', d->group, name,
		   event->place, *event->fetch ? " " : "", event->fetch);
	if (command.failed)
		return err_set(e, ENOMEM, "no memory to make an event of %s", event->called);
	int status = tell_kernel(d->tracefs, command.data);
	return status < 0 ? refused(d, event, command.data, status, e) : 0;
}

int dynamic_event_make(struct dynamic_events *d, const struct dynamic_event *event,
		       char name_ret[static DYNAMIC_EVENT_NAME_BYTES], struct err *e)
{
	if (*d->group)
		return define(d, event, name_ret, e);
	int status = tracefs_find(&d->tracefs, e);
	for (int number = 0; status == 0 && choose_group(d, &number); number++) {
		status = define(d, event, name_ret, e);
		if (status < 0 || lock_group(d))
			break;
		dynamic_group_remove(d->tracefs, d->group);
		*d->group = 0;
	}
	if (status == 0 && !*d->group)
		status = err_set(e, EBUSY, "no group of events is free for %s", event->called);
	if (status < 0)
		*d->group = 0;
	return status;
}

/* Of the list's lines, "p:GROUP/NAME PLACE …", those of the group. */
bool dynamic_group_remove(const char *tracefs, const char *group)
{
	CLEANUP_TEXT struct text list = {0};
	bool found = false, all = true;
	size_t group_bytes = strlen(group);
	char *place = NULL, command[2 * DYNAMIC_EVENT_NAME_BYTES + 4];
	if (tracefs_read(&list, NULL, "%s/dynamic_events", tracefs) < 0)
		return false;
	for (char *line = strtok_r(list.data, "\n", &place); line;
	     line = strtok_r(NULL, "\n", &place)) {
		char *name = strchr(line, ':');
		if (!name || strncmp(name + 1, group, group_bytes) != 0 ||
		    name[1 + group_bytes] != '/')
			continue;
		snprintf(command, sizeof(command), "-%.*s", (int)strcspn(name, " "), name);
		found = true;
		all &= tell_kernel(tracefs, command) == 0;
	}
	return found && all;
}

void dynamic_events_remove(struct dynamic_events *d)
{
	if (!*d->group)
		return;
	dynamic_group_remove(d->tracefs, d->group);
	close(d->lock_fd);
	*d = (struct dynamic_events){0};
}
