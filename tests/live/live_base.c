/* SPDX-License-Identifier: MIT */
/* What every scenario needs: a clock, threads and children, cpus, files on a disk. */
#include "live.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t live_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void live_spin(uint64_t ns)
{
	for (uint64_t end_ns = live_now_ns() + ns; live_now_ns() < end_ns;)
		;
}

void live_sleep(uint64_t ns)
{
	struct timespec time = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

pid_t live_fork(const char *role, void (*play)(void *), void *argument)
{
	pid_t pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		live_role(role);
		play(argument);
		_exit(0);
	}
	return pid;
}

void live_reap(pid_t pid)
{
	int status;
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	if (status)
		errx(1, "child %d ended with status %#x", pid, status);
}

pthread_t live_start(void *(*play)(void *), void *argument)
{
	pthread_t thread;
	int code = pthread_create(&thread, NULL, play, argument);
	if (code)
		errx(1, "cannot start a thread: %s", strerror(code));
	return thread;
}

void live_pin(void)
{
	cpu_set_t own, one;
	int last = 0;
	if (sched_getaffinity(0, sizeof(own), &own))
		err(1, "sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		last = CPU_ISSET(cpu, &own) ? cpu : last;
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		err(1, "sched_setaffinity");
}

void live_connect(int ends_ret[2])
{
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(here);
	int yes = 1, door = socket(AF_INET, SOCK_STREAM, 0), end = socket(AF_INET, SOCK_STREAM, 0);
	if (door < 0 || end < 0 || bind(door, (void *)&here, bytes) || listen(door, 1) ||
	    getsockname(door, (void *)&here, &bytes) || connect(end, (void *)&here, bytes))
		err(1, "loopback");
	int other = accept(door, NULL, NULL);
	if (other < 0 || setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) ||
	    setsockopt(other, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)))
		err(1, "loopback");
	close(door);
	ends_ret[0] = end;
	ends_ret[1] = other;
}

int live_file(uint64_t bytes, int flags)
{
	char name[] = "live-XXXXXX";
	struct statfs fs;
	int fd = mkostemp(name, flags | O_CLOEXEC);
	if (fd < 0)
		err(1, "a file in the working directory");
	unlink(name);
	if (fstatfs(fd, &fs))
		err(1, "fstatfs");
	if (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC)
		errx(LIVE_CANNOT_HERE, "the working directory is in memory, not on a disk");
	int code = posix_fallocate(fd, 0, (off_t)bytes);
	if (code)
		errx(1, "no space for a file: %s", strerror(code));
	return fd;
}
