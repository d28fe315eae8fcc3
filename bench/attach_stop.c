/* SPDX-License-Identifier: MIT */
/*
 * How long all threads of a busy process stand still while probes are put into it and taken out:
 * eight threads that never sleep, this machine's C library as what is probed.
 */
#include "inject/count_body_test.h"
#include "inject/inject.h"
#include "inject/inject_maps.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 31, PROBES_MAX = 1000 };

static struct err e;

static void *be_busy(void *unused)
{
	for (;;) {
		char *bytes = malloc(100);
		memset(bytes, 1, 100);
		free(bytes);
	}
	return unused;
}

static pid_t start(void)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_t thread;
	for (int t = 1; t < THREADS; t++)
		pthread_create(&thread, NULL, be_busy, NULL);
	be_busy(NULL);
	_exit(0);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void say(const char *what, size_t probes, uint64_t *ns, const char *goal)
{
	qsort(ns, ROUNDS, sizeof(*ns), by_number);
	printf("%s_%zu_stop  min %.2f median %.2f max %.2f  ms  %s\n", what, probes,
	       (double)ns[0] / 1e6, (double)ns[ROUNDS / 2] / 1e6, (double)ns[ROUNDS - 1] / 1e6,
	       goal);
}

static int measure(struct inject *i, struct inject_site *sites, size_t count, const char *goal)
{
	uint64_t attach_ns[ROUNDS], detach_ns[ROUNDS];
	struct inject_batch *batch;
	struct inject_stats stats;
	for (int k = 0; k < ROUNDS; k++) {
		if (inject_attach(i, sites, count, &batch, &stats, &e))
			return 1;
		attach_ns[k] = stats.stopped_ns;
		usleep(2000);
		if (inject_detach(i, batch, &stats, &e))
			return 1;
		detach_ns[k] = stats.stopped_ns;
	}
	say("attach", count, attach_ns, goal);
	say("detach", count, detach_ns, "-");
	return 0;
}

/* Entries all over the library, which take a jump. */
static size_t choose(const struct inject_module *module, uint64_t *counter,
		     struct inject_site sites[PROBES_MAX])
{
	const struct patch_image *image = &module->code->image;
	size_t step = image->function_count / (PROBES_MAX + PROBES_MAX / 20), count = 0;
	for (size_t k = 0; k < image->function_count && count < PROBES_MAX; k += step ? step : 1) {
		struct patch_plan plan;
		uint64_t at = patch_code_entry(module->code->code, image->functions[k].start);
		patch_plan_site(module->code->code, at, &plan);
		if (plan.way == PATCH_JUMP)
			sites[count++] = (struct inject_site){module, at, emit_count, counter};
	}
	return count;
}

static int measure_all(pid_t pid)
{
	static struct inject_site sites[PROBES_MAX];
	struct inject *i;
	struct inject_module module;
	struct inject_region counters = {.kind = INJECT_SHARED, .bytes = INJECT_PAGE_BYTES};
	if (inject_open(pid, &i, &e) || inject_module_open(i, "libc.so.6", &module, &e) ||
	    inject_map(i, &counters, 1, &e))
		return 1;
	size_t count = choose(&module, &counters.remote, sites);
	int status = measure(i, sites, 1, "<= 1");
	status = status ? status : measure(i, sites, 100, "-");
	status = status ? status : measure(i, sites, count, "<= 5");
	inject_module_close(&module);
	inject_close(i);
	return status;
}

int main(void)
{
	pid_t pid = start();
	usleep(50000);
	int status = measure_all(pid);
	if (status)
		fprintf(stderr, "%s\n", e.text);
	if (waitpid(pid, NULL, WNOHANG))
		status = fprintf(stderr, "the process has died\n");
	kill(pid, SIGKILL);
	return status != 0;
}
