/* SPDX-License-Identifier: MIT */
#include "session/launch.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void child_run(int gate, int verdict, char *const *argv)
{
	char go;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (read(gate, &go, 1) == 1) {
		execvp(argv[0], argv);
		int code = errno;
		if (write(verdict, &code, sizeof(code)) < 0)
			_exit(126);
	}
	_exit(127);
}

static int check_program(const char *path)
{
	struct stat s;
	if (stat(path, &s) < 0)
		return -errno;
	if (!S_ISREG(s.st_mode))
		return -EACCES;
	return access(path, X_OK) < 0 ? -errno : 0;
}

/* As execvp() will look for it. */
static int find_program(const char *name)
{
	const char *path = getenv("PATH");
	int status = -ENOENT;
	if (strchr(name, '/'))
		return check_program(name);
	while (path && *path && status < 0) {
		char candidate[PATH_MAX];
		int bytes = (int)strcspn(path, ":");
		snprintf(candidate, sizeof(candidate), "%.*s%s%s", bytes, path, bytes ? "/" : "",
			 name);
		int found = check_program(candidate);
		if (found != -ENOENT && found != -ENOTDIR)
			status = found;
		path += bytes;
		path += *path == ':';
	}
	return path ? status : 0;
}

int launch_prepare(struct launch *ret, char *const *argv, struct err *e)
{
	int gate[2], verdict[2], found = find_program(argv[0]);
	if (found < 0) {
		errno = -found;
		return err_errno(e, "cannot run %s", argv[0]);
	}
	if (pipe2(gate, O_CLOEXEC) < 0)
		return err_errno(e, "cannot start %s", argv[0]);
	if (pipe2(verdict, O_CLOEXEC) < 0) {
		close(gate[0]);
		close(gate[1]);
		return err_errno(e, "cannot start %s", argv[0]);
	}
	pid_t pid = fork();
	if (pid == 0) {
		close(gate[1]);
		close(verdict[0]);
		child_run(gate[0], verdict[1], argv);
	}
	close(gate[0]);
	close(verdict[1]);
	if (pid < 0) {
		close(gate[1]);
		close(verdict[0]);
		return err_errno(e, "cannot start %s", argv[0]);
	}
	*ret = (struct launch){pid, gate[1], verdict[0]};
	return 0;
}

int launch_go(struct launch *l, const char *name, struct err *e)
{
	int code = 0;
	ssize_t sent = write(l->gate, "g", 1);
	close(l->gate);
	ssize_t got = sent == 1 ? read(l->verdict, &code, sizeof(code)) : 0;
	close(l->verdict);
	l->gate = l->verdict = -1;
	if (got != sizeof(code))
		return 0;
	waitpid(l->pid, NULL, 0);
	errno = code;
	return err_errno(e, "cannot run %s", name);
}

void launch_cancel(struct launch *l)
{
	if (l->gate < 0)
		return;
	close(l->gate);
	close(l->verdict);
	l->gate = l->verdict = -1;
	waitpid(l->pid, NULL, 0);
}
