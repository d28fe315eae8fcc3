/* SPDX-License-Identifier: MIT */
/*
 * Two loads whose events are known, timed by the cycle counter: run in a guest that counts
 * instructions (one a tick), the figures are instructions, the same in every run.
 *
 *	guest_load calls N [SET]     N getppid: 2 events each with system calls on
 *	guest_load switches N [SET]  N round trips between two processes over pipes
 *
 * SET is what the BPF recorder records meanwhile, as a flight recorder: none, waits, syscalls.
 * Prints the ticks of one iteration: the median of ten stretches.
 */
#include "kernel/rung.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

enum { STRETCHES = 11, RING_BYTES = 4 << 20 };

static int there[2], back[2];

static void ask_parent_pid(void)
{
	syscall(SYS_getppid);
}

static void go_round(void)
{
	char c = 0;
	if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
		exit(1);
}

static void start_echo(void)
{
	char c;
	if (pipe(there) || pipe(back))
		err(1, "pipe");
	if (fork())
		return;
	close(there[1]);
	while (read(there[0], &c, 1) == 1) {
		if (write(back[1], &c, 1) != 1)
			break;
	}
	_exit(0);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double ticks_each(void (*iteration)(void), unsigned count)
{
	double ticks[STRETCHES];
	for (int s = 0; s < STRETCHES; s++) {
		unsigned long long start = __rdtsc();
		for (unsigned i = 0; i < count / STRETCHES; i++)
			iteration();
		ticks[s] = (double)(__rdtsc() - start) / (count / STRETCHES);
	}
	/* The first stretch meets everything for the first time. */
	qsort(ticks + 1, STRETCHES - 1, sizeof(*ticks), by_size);
	return ticks[STRETCHES / 2];
}

static struct rung *start_recorder(const char *set)
{
	struct plan plan = {.overwrite = true, .ring_bytes = RING_BYTES, .own_pid = getpid()};
	plan.waits = !strcmp(set, "waits");
	plan.syscalls = !strcmp(set, "syscalls");
	if (!plan.waits && !plan.syscalls)
		return NULL;
	struct rung *rung;
	struct err e;
	if (rung_bpf.open(&rung, &plan, &e) || rung->start(rung, &e))
		errx(1, "%s", e.text);
	/* Ends the first moments, in which the kernel times the recorder for a sample. */
	struct rung_totals totals;
	rung->totals(rung, &totals);
	return rung;
}

int main(int argc, char **argv)
{
	unsigned count = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
	if (count < STRETCHES) {
		fputs("usage: guest_load calls|switches N [none|waits|syscalls]\n", stderr);
		return 2;
	}
	bool calls = !strcmp(argv[1], "calls");
	if (!calls)
		start_echo();
	struct rung *rung = start_recorder(argc > 3 ? argv[3] : "none");
	double ticks = ticks_each(calls ? ask_parent_pid : go_round, count);
	if (rung)
		rung->close(rung);
	printf("%.1f\n", ticks);
	return 0;
}
