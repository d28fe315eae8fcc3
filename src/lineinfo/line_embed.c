/* SPDX-License-Identifier: MIT */
#include "lineinfo/line_embed.h"

#include "lineinfo/line_reader.h"
#include "util/cleanup.h"

#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

static int run_objcopy(const char *program, const char *table, struct err *e)
{
	char section[PATH_MAX + 32];
	snprintf(section, sizeof(section), LINE_SECTION "=%s", table);
	char *const arguments[] = {(char *)"objcopy",
				   (char *)"--remove-section=" LINE_SECTION,
				   (char *)"--add-section",
				   section,
				   (char *)"--set-section-flags",
				   (char *)LINE_SECTION "=noload,readonly",
				   (char *)program,
				   NULL};
	pid_t pid;
	int status, failed = posix_spawnp(&pid, "objcopy", NULL, NULL, arguments, environ);
	if (failed)
		return err_set(e, failed, "objcopy (package binutils): %s", strerror(failed));
	if (waitpid(pid, &status, 0) < 0)
		return err_errno(e, "objcopy");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(e, EIO, "objcopy could not put the table into %s", program);
	return 0;
}

int line_embed(const char *program, const void *table, size_t bytes, struct err *e)
{
	char path[] = "/tmp/cairn-table-XXXXXX";
	CLEANUP(fd) int fd = mkstemp(path);
	if (fd < 0)
		return err_errno(e, "%s", path);
	int failed = 0;
	if (write(fd, table, bytes) != (ssize_t)bytes)
		failed = err_errno(e, "%s", path);
	if (!failed)
		failed = run_objcopy(program, path, e);
	unlink(path);
	return failed;
}
