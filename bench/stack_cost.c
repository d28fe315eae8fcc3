/* SPDX-License-Identifier: MIT */
/*
 * What stacks cost those who sleep: a ping-pong over pipes on one cpu, each side below a number of
 * frames, without a recorder, with innermost addresses only, and with stacks. The three alternate
 * in one run. A round trip is two sleeps and two wake-ups.
 */
#include "kernel/rung.h"
#include "kernel/stack_source.h"
#include "lineinfo/unwind_cache.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 7, TRIPS = 20000, MODES = 3 };

static const char *const mode_names[MODES] = {"none", "address", "stack"};
static const struct stack_source source = {.build = unwind_cache_build};
static int there[2], back[2];

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void echo(void)
{
	char byte;
	while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1)
		;
}

static void play(void)
{
	char byte = 0;
	for (int i = 0; i < TRIPS; i++)
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			exit(1);
}

/* Frames of a usual size below `leaf`. */
__attribute__((noinline, optimize("omit-frame-pointer"))) static int below(int frames,
									   void (*leaf)(void))
{
	volatile char room[64] = {0};
	if (frames)
		return below(frames - 1, leaf) + room[frames & 63];
	leaf();
	return room[0];
}

static struct rung *record(int mode, pid_t other)
{
	pid_t targets[] = {getpid(), other};
	struct plan plan = {.waits = true,
			    .stacks = mode == 2,
			    .overwrite = true,
			    .only_targets = true,
			    .ring_bytes = 1 << 20,
			    .targets = targets,
			    .target_count = 2,
			    .unwind = &source};
	struct rung *rung;
	struct err e;
	if (mode == 0)
		return NULL;
	if (rung_bpf.open(&rung, &plan, &e) || rung->start(rung, &e)) {
		fprintf(stderr, "stack_cost: %s\n", e.text);
		exit(1);
	}
	return rung;
}

static double measure(int mode, int frames, pid_t other)
{
	struct rung *rung = record(mode, other);
	for (int i = 0; i < 6; i++) { /* tables are made when they were missed */
		char byte = 0;
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			exit(1);
		if (rung)
			rung->service(rung);
		usleep(mode == 2 ? 60000 : 0);
	}
	uint64_t start = now_ns();
	below(frames, play);
	double ns = (double)(now_ns() - start) / TRIPS;
	if (rung)
		rung->close(rung);
	return ns;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void bench(int frames)
{
	double ns[MODES][ROUNDS];
	if (pipe(there) || pipe(back))
		exit(1);
	pid_t other = fork();
	if (other == 0) {
		below(frames, echo);
		_exit(0);
	}
	for (int round = 0; round < ROUNDS; round++)
		for (int mode = 0; mode < MODES; mode++)
			ns[mode][round] = measure(mode, frames, other);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	for (int mode = 0; mode < MODES; mode++) {
		qsort(ns[mode], ROUNDS, sizeof(double), compare);
		printf("round_trip_%d_frames_%s  %.0f  ns  min %.0f max %.0f\n", frames,
		       mode_names[mode], ns[mode][ROUNDS / 2], ns[mode][0], ns[mode][ROUNDS - 1]);
	}
	double stack = ns[2][ROUNDS / 2] - ns[1][ROUNDS / 2];
	printf("one_stack_%d_frames  %.0f  ns\n", frames, stack / 4);
}

int main(void)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	bench(4);
	bench(14);
	bench(30);
	return 0;
}
