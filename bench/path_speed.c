/* SPDX-License-Identifier: MIT */
/*
 * What explaining costs: one pass over synthetic events of all kinds that keeps their history,
 * then the whole time of every thread that did anything, as a tree. The time of making the events
 * is measured by itself and taken off. Goals: 1 M events in a second and 200 MB, linear to 50 M.
 */
#include "../tests/synth/synth.h"
#include "analysis/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CPUS = 16, MILLION = 1000000, SEGMENTS_EACH_MAX = 1 << 14 };

static double cpu_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct source *opened(const struct synth *synth)
{
	struct source *source;
	struct err e;
	if (!synth_source(synth, &source, &e))
		return source;
	fprintf(stderr, "path_speed: %s\n", e.text);
	exit(1);
}

static double make_only(const struct synth *synth)
{
	struct source *source = opened(synth);
	struct event event;
	struct err e;
	double from = cpu_s();
	while (source_next(source, &event, &e) > 0)
		;
	double took = cpu_s() - from;
	source_close(source);
	return took;
}

static double explain_all(const struct story *story, size_t *threads_ret)
{
	const struct history *h = story_state(story, &analysis_history);
	const struct tally_options o = {.to_ns = UINT64_MAX, .segments_max = SEGMENTS_EACH_MAX};
	double from = cpu_s();
	struct tallies t;
	if (tallies_init(&t))
		exit(1);
	array_each(thread, &h->threads->all) {
		const struct thread_history *history = history_of(h, *thread);
		if ((*thread)->kernel || !history || !history->spans.count)
			continue;
		++*threads_ret;
		tallies_add_thread(&t, h, *thread, &o);
	}
	if (t.failed)
		exit(1);
	tallies_deinit(&t);
	return cpu_s() - from;
}

static void measure(uint64_t millions)
{
	const struct analysis *const wanted[] = {&analysis_history, &analysis_disks, NULL};
	const struct synth_options options = {.scenarios = SYNTH_ALL & ~SYNTH_FORK,
					      .seed = 1,
					      .cpus = CPUS,
					      .events = millions * MILLION,
					      .blind = true};
	struct synth *synth;
	struct story *story;
	struct rusage use;
	struct err e;
	if (synth_create(&synth, &options, &e)) {
		fprintf(stderr, "path_speed: %s\n", e.text);
		exit(1);
	}
	double made = make_only(synth);
	struct source *source = opened(synth);
	double from = cpu_s();
	if (analysis_run(source, wanted, &story, &e)) {
		fprintf(stderr, "path_speed: %s\n", e.text);
		exit(1);
	}
	double kept = cpu_s() - from - made;
	size_t threads = 0;
	double told = explain_all(story, &threads);
	getrusage(RUSAGE_SELF, &use);
	bool first = millions == 1;
	printf("history of %2d M events                    %9.2f  s               %s\n",
	       (int)millions, kept, first ? "<= 1" : "linear");
	printf("  trees of all %zu threads                 %9.2f  s               %s\n", threads,
	       told, first ? "-" : "linear");
	printf("  memory                                  %9ld  MB              %s\n",
	       use.ru_maxrss / 1024, first ? "<= 200" : "linear");
	fflush(stdout);
	source_close(source);
	story_destroy(story);
	synth_destroy(synth);
}

int main(int argc, char **argv)
{
	static const uint64_t usual[] = {1, 5, 10, 25, 50};
	for (size_t i = 0; i < (argc > 1 ? (size_t)argc - 1 : sizeof(usual) / sizeof(usual[0]));
	     i++) {
		pid_t child = fork(); /* so that each has its own memory */
		if (!child) {
			measure(argc > 1 ? strtoull(argv[i + 1], NULL, 10) : usual[i]);
			return 0;
		}
		int status;
		if (child < 0 || waitpid(child, &status, 0) != child || status)
			return 1;
	}
	return 0;
}
