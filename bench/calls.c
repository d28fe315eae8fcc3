/* SPDX-License-Identifier: MIT */
/*
 * A process whose events are known: `calls burst N` or `calls brackets N`.
 *
 * Calls getppid N times, with a pause before and behind in which a recorder catches up. With
 * `brackets` it reads the clocks around each and prints lines of `tsc ns ns tsc`, CLOCK_MONOTONIC
 * inside: the kernel's event lies between.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_US = 200000 };

struct bracket {
	uint64_t tsc[2], ns[2];
};

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* 0 on a machine without. */
static uint64_t now_tsc(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	return 0;
#endif
}

static void burst(long count)
{
	while (count--)
		syscall(SYS_getppid);
}

static void bracket(struct bracket *each, long count)
{
	for (long i = 0; i < count; i++) {
		each[i].tsc[0] = now_tsc();
		each[i].ns[0] = now_ns();
		syscall(SYS_getppid);
		each[i].ns[1] = now_ns();
		each[i].tsc[1] = now_tsc();
	}
}

int main(int argc, char **argv)
{
	long count = argc == 3 ? atol(argv[2]) : 0;
	if (count <= 0 || (strcmp(argv[1], "burst") && strcmp(argv[1], "brackets"))) {
		fputs("usage: calls burst|brackets N\n", stderr);
		return 2;
	}
	struct bracket *each = NULL;
	if (!strcmp(argv[1], "brackets") && !(each = calloc((size_t)count, sizeof(*each))))
		return 1;
	usleep(PAUSE_US);
	if (each)
		bracket(each, count);
	else
		burst(count);
	usleep(PAUSE_US);
	for (long i = 0; each && i < count; i++)
		printf("%llu %llu %llu %llu\n", (unsigned long long)each[i].tsc[0],
		       (unsigned long long)each[i].ns[0], (unsigned long long)each[i].ns[1],
		       (unsigned long long)each[i].tsc[1]);
	free(each);
	return 0;
}
