/* SPDX-License-Identifier: MIT */
/*
 * `measure COMMAND…`: its output, and on standard error the seconds and kilobytes it took.
 *
 * For the kernel counts the memory of whoever starts a program to the program's: this is small.
 */
#include "util/now.h"

#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char **environ;

int main(int argc, char **argv)
{
	pid_t pid;
	int status;
	struct rusage used;
	uint64_t start_ns = now_monotonic_ns();
	if (argc < 2 || posix_spawnp(&pid, argv[1], NULL, NULL, argv + 1, environ))
		return 127;
	if (wait4(pid, &status, 0, &used) < 0 || !WIFEXITED(status))
		return 126;
	fprintf(stderr, "\n%.6f %ld\n", (double)(now_monotonic_ns() - start_ns) / 1e9,
		used.ru_maxrss);
	return WEXITSTATUS(status);
}
