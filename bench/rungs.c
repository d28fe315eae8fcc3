/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's recorders cost those they record: `rungs calls|trips ROUNDS`.
 *
 * A load runs on one cpu without a recorder and with each in turn, all as flight recorders with
 * 8 MiB a cpu, again and again: getppid (two events with system calls on), or round trips of a byte
 * between two processes (two sleeps, two wake-ups, two switches). Prints `MODE ns` for every turn:
 * of many stretches shorter than a time slice the one that a tenth beats, so that neighbours hardly
 * show. The last mode of a round is the first once more: what differs there is noise.
 */
#include "kernel/rung.h"
#include "kernel/stack_source.h"
#include "lineinfo/unwind_cache.h"

#include <err.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RING_BYTES = 8 << 20, STRETCHES = 200, CALLS = 500, TRIPS = 50 };

static const struct stack_source source = {.build = unwind_cache_build};

struct mode {
	const char *name;
	const struct rung_kind *kind; /* NULL: no recorder */
	bool syscalls, waits, stacks;
};

static const struct mode call_modes[] = {
	{"none"},
	{"bpf", &rung_bpf, .syscalls = true},
	{"tracefs", &rung_tracefs, .syscalls = true},
	{"perf", &rung_perf, .syscalls = true},
	{"waits", &rung_bpf, .waits = true},
	{"again"},
	{0},
};

static const struct mode trip_modes[] = {
	{"none"},
	{"bpf", &rung_bpf, .waits = true},
	{"stacks", &rung_bpf, .waits = true, .stacks = true},
	{"tracefs", &rung_tracefs, .waits = true},
	{"perf", &rung_perf, .waits = true},
	{"again"},
	{0},
};

static int there[2], back[2];

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void call(unsigned count)
{
	while (count--)
		syscall(SYS_getppid);
}

static void trip(unsigned count)
{
	char byte = 0;
	while (count--)
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			exit(1);
}

static pid_t start_echo(void)
{
	char byte;
	if (pipe(there) || pipe(back))
		err(1, "pipe");
	pid_t pid = fork();
	if (pid)
		return pid;
	while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1)
		;
	_exit(0);
}

static struct rung *start_rung(const struct mode *mode)
{
	struct plan plan = {.waits = mode->waits,
			    .syscalls = mode->syscalls,
			    .stacks = mode->stacks,
			    .overwrite = true,
			    .ring_bytes = RING_BYTES,
			    .own_pid = getpid(),
			    .session = "bench",
			    .unwind = &source};
	struct rung *rung;
	struct err e;
	if (!mode->kind)
		return NULL;
	if (mode->kind->open(&rung, &plan, &e) || rung->start(rung, &e))
		errx(77, "%s", e.text);
	return rung;
}

/* Tables of missed stacks are built, and the recorder's look at its own cost ends. */
static void warm_up(struct rung *rung, const struct mode *mode, void (*load)(unsigned))
{
	struct rung_totals totals;
	load(TRIPS);
	for (int i = 0; mode->stacks && i < 6; i++) {
		load(3);
		rung->service(rung);
		usleep(60000);
	}
	if (rung)
		rung->totals(rung, &totals);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double measure(const struct mode *mode, void (*load)(unsigned), unsigned count)
{
	double ns[STRETCHES];
	struct rung *rung = start_rung(mode);
	warm_up(rung, mode, load);
	for (int i = 0; i < STRETCHES; i++) {
		uint64_t start = now_ns();
		load(count);
		ns[i] = (double)(now_ns() - start) / count;
	}
	if (rung)
		rung->close(rung);
	qsort(ns, STRETCHES, sizeof(*ns), by_size);
	return ns[STRETCHES / 10];
}

int main(int argc, char **argv)
{
	int rounds = argc == 3 ? atoi(argv[2]) : 0;
	bool trips = argc == 3 && !strcmp(argv[1], "trips");
	if (rounds <= 0 || (!trips && strcmp(argv[1], "calls"))) {
		fputs("usage: rungs calls|trips ROUNDS\n", stderr);
		return 2;
	}
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	pid_t echo = trips ? start_echo() : 0;
	while (rounds--) {
		for (const struct mode *mode = trips ? trip_modes : call_modes; mode->name; mode++)
			printf("%s %.1f\n", mode->name,
			       trips ? measure(mode, trip, TRIPS) : measure(mode, call, CALLS));
		fflush(stdout);
	}
	if (echo) {
		kill(echo, SIGKILL);
		waitpid(echo, NULL, 0);
	}
	return 0;
}
