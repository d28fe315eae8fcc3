/* SPDX-License-Identifier: MIT */
#include "analysis/syscalls.h"
#include "event/syscall_table.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *name;
	enum syscall_kind kind;
} kinds[] = {
	{"futex", SYSCALL_FUTEX},
	{"nanosleep", SYSCALL_SLEEP},
	{"clock_nanosleep", SYSCALL_SLEEP},
	{"wait4", SYSCALL_CHILD},
	{"waitid", SYSCALL_CHILD},
	{"poll", SYSCALL_READY},
	{"ppoll", SYSCALL_READY},
	{"select", SYSCALL_READY},
	{"pselect6", SYSCALL_READY},
	{"epoll_wait", SYSCALL_READY},
	{"epoll_pwait", SYSCALL_READY},
	{"epoll_pwait2", SYSCALL_READY},
	{"read", SYSCALL_FILE},
	{"write", SYSCALL_FILE},
	{"readv", SYSCALL_FILE},
	{"writev", SYSCALL_FILE},
	{"pread64", SYSCALL_FILE},
	{"pwrite64", SYSCALL_FILE},
	{"preadv", SYSCALL_FILE},
	{"pwritev", SYSCALL_FILE},
	{"preadv2", SYSCALL_FILE},
	{"pwritev2", SYSCALL_FILE},
	{"fsync", SYSCALL_FILE},
	{"fdatasync", SYSCALL_FILE},
	{"sync_file_range", SYSCALL_FILE},
	{"syncfs", SYSCALL_FILE},
	{"ftruncate", SYSCALL_FILE},
	{"fallocate", SYSCALL_FILE},
	{"flock", SYSCALL_FILE},
	{"fcntl", SYSCALL_FILE},
	{"ioctl", SYSCALL_FILE},
	{"getdents64", SYSCALL_FILE},
	{"close", SYSCALL_FILE},
	{"fstat", SYSCALL_FILE},
	{"sendfile", SYSCALL_FILE},
	{"splice", SYSCALL_FILE},
	{"accept", SYSCALL_FILE},
	{"accept4", SYSCALL_FILE},
	{"connect", SYSCALL_FILE},
	{"sendto", SYSCALL_FILE},
	{"sendmsg", SYSCALL_FILE},
	{"sendmmsg", SYSCALL_FILE},
	{"recvfrom", SYSCALL_FILE},
	{"recvmsg", SYSCALL_FILE},
	{"recvmmsg", SYSCALL_FILE},
};

const char *syscall_name(int32_t number)
{
	if (number < 0 || (size_t)number >= sizeof(syscall_names) / sizeof(syscall_names[0]))
		return NULL;
	return syscall_names[number];
}

enum syscall_kind syscall_kind(int32_t number)
{
	const char *name = syscall_name(number);
	for (size_t i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(kinds[i].name, name))
			return kinds[i].kind;
	}
	return SYSCALL_PLAIN;
}
