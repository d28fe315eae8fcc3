/* SPDX-License-Identifier: MIT */
/*
 * How long a full flight recorder takes to write itself down: `snapshots DIR COUNT`.
 *
 * Records system calls into 8 MiB a cpu, fills every cpu's ring, writes COUNT snapshots into DIR
 * and prints a line each of `milliseconds bytes`, the time being that inside the recorder.
 */
#include "session/session.h"

#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

/* More events than the ring of a cpu has room for. */
enum { RING_BYTES = 8 << 20, CALLS = RING_BYTES / 24 };

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void fill_rings(void)
{
	for (int cpu = 0; cpu < get_nprocs(); cpu++) {
		cpu_set_t one;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		for (int i = 0; i < CALLS; i++)
			syscall(SYS_getppid);
	}
}

static int record(struct session *s, const char *folder, int count, struct err *e)
{
	int status = session_start(s, e);
	for (int i = 0; status == 0 && i < count; i++) {
		CLEANUP_TEXT struct text path = {0}, out = {0};
		struct session_totals totals;
		text_print(&path, "%s/%d", folder, i);
		int wait_ms;
		fill_rings();
		status = session_step(s, &wait_ms, e);
		double start = now_ms();
		if (status == 0)
			status = session_snapshot(s, path.data, &out, e);
		double took = now_ms() - start;
		session_totals(s, &totals);
		if (status == 0)
			printf("%.2f %llu\n", took, (unsigned long long)totals.trace_bytes);
	}
	return status;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("usage: snapshots DIR COUNT\n", stderr);
		return 2;
	}
	struct err e;
	struct selection selection;
	selection_init(&selection);
	struct session_options options = {
		.path = argv[1], .flight = true, .ring_bytes = RING_BYTES, .selection = &selection};
	struct session *s;
	if (selection_include(&selection, "syscalls", &e) || session_open(&s, &options, &e))
		errx(77, "%s", e.text);
	int status = record(s, argv[1], atoi(argv[2]), &e);
	session_close(s);
	selection_deinit(&selection);
	if (status < 0)
		errx(1, "%s", e.text);
	return 0;
}
