/* SPDX-License-Identifier: MIT */
#include "session/control.h"

#include "util/cleanup.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_TIMEOUT_S = 60 };

/* Where a user's own run-time files belong; /tmp on a machine without such a place. */
int control_directory(char ret[80], struct err *e)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	if (getuid() == 0 && access("/run", W_OK) == 0)
		snprintf(ret, 80, "/run/cairn");
	else if (getuid() != 0 && runtime && *runtime == '/' && strlen(runtime) < 60)
		snprintf(ret, 80, "%s/cairn", runtime);
	else
		snprintf(ret, 80, "/tmp/cairn-%u", (unsigned)getuid());
	if (mkdir(ret, 0700) < 0 && errno != EEXIST)
		return err_errno(e, "cannot make %s", ret);
	struct stat st;
	if (lstat(ret, &st) < 0)
		return err_errno(e, "cannot look at %s", ret);
	if (!S_ISDIR(st.st_mode) || st.st_uid != getuid() || (st.st_mode & 077))
		return err_set(e, EPERM, "%s must be a directory that only its owner can enter",
			       ret);
	return 0;
}

static void control_address(struct sockaddr_un *ret, const char *directory, pid_t pid)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/%d", directory, (int)pid);
}

/* A socket nobody listens at any more: a killed recorder's. */
static bool control_is_dead(const char *directory, pid_t pid)
{
	struct sockaddr_un address;
	control_address(&address, directory, pid);
	CLEANUP(fd) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
	       errno == ECONNREFUSED;
}

/* The pids of this user's recorders; what the dead ones left is removed. */
static int control_pids(const char *directory, pid_t *last_ret, struct text *ret, struct err *e)
{
	DIR *d = opendir(directory);
	if (!d)
		return err_errno(e, "cannot read %s", directory);
	int count = 0;
	for (struct dirent *entry; (entry = readdir(d));) {
		pid_t pid = atoi(entry->d_name);
		if (pid <= 0)
			continue;
		if (control_is_dead(directory, pid)) {
			unlinkat(dirfd(d), entry->d_name, 0);
			continue;
		}
		*last_ret = pid;
		text_print(ret, "%s%d", count++ ? ", " : "", (int)pid);
	}
	closedir(d);
	return count;
}

int control_open(struct control *ret, struct err *e)
{
	char directory[80];
	int status = control_directory(directory, e);
	if (status < 0)
		return status;
	CLEANUP_TEXT struct text others = {0};
	pid_t last;
	control_pids(directory, &last, &others, NULL);
	struct sockaddr_un address;
	control_address(&address, directory, getpid());
	CLEANUP(fd) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(address.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 4) < 0)
		return err_errno(e, "cannot listen at %s", address.sun_path);
	memcpy(ret->path, address.sun_path, sizeof(ret->path));
	ret->fd = TAKE(fd, -1);
	return 0;
}

void control_close(struct control *c)
{
	if (c->fd < 0)
		return;
	close(c->fd);
	unlink(c->path);
	c->fd = -1;
}

int control_next(struct control *c, int *asker_ret, char *request, size_t bytes)
{
	int asker = c->fd < 0 ? -1 : accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);
	if (asker < 0)
		return 0;
	/* Who connects and says nothing must not hold the recorder. */
	struct timeval patience = {.tv_usec = 100000};
	setsockopt(asker, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ssize_t got = recv(asker, request, bytes - 1, 0);
	if (got <= 0) {
		close(asker);
		return 0;
	}
	request[got] = 0;
	*asker_ret = asker;
	return 1;
}

void control_answer(int asker, int status, const char *text)
{
	char answer[1024];
	int n = snprintf(answer, sizeof(answer), "%d %s", status, text);
	if (n >= (int)sizeof(answer))
		n = sizeof(answer) - 1;
	/* The asker may be gone; the recorder does not care. */
	(void)!send(asker, answer, (size_t)n, MSG_NOSIGNAL);
	close(asker);
}

int control_find(pid_t *ret, struct err *e)
{
	char directory[80];
	int status = control_directory(directory, e);
	if (status < 0)
		return status;
	CLEANUP_TEXT struct text pids = {0};
	pid_t found = 0;
	int count = control_pids(directory, &found, &pids, e);
	if (count < 0)
		return count;
	if (!count)
		return err_set(e, ENOENT, "no recorder of yours runs (`cairn record --flight`)");
	if (count > 1)
		return err_set(e, EINVAL, "several recorders run; say which: %s", pids.data);
	*ret = found;
	return 0;
}

int control_ask(pid_t recorder, const char *request, struct text *answer, struct err *e)
{
	char directory[80];
	int status = control_directory(directory, e);
	if (status < 0)
		return status;
	struct sockaddr_un address;
	control_address(&address, directory, recorder);
	CLEANUP(fd) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct timeval patience = {.tv_sec = ANSWER_TIMEOUT_S};
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_errno(e, "no recorder answers at %s", address.sun_path);
	char reply[1024];
	ssize_t got = -1;
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) > 0)
		got = recv(fd, reply, sizeof(reply) - 1, 0);
	if (got < 0)
		return err_errno(e, "the recorder %d did not answer", (int)recorder);
	reply[got] = 0;
	char *text = strchr(reply, ' ');
	int code = atoi(reply);
	if (!text || code < 0)
		return err_set(e, code ? -code : EPROTO, "%s",
			       text ? text + 1 : "the recorder ended before it answered");
	text_print(answer, "%s", text + 1);
	return 0;
}
