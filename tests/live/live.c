/* SPDX-License-Identifier: MIT */
/* `live SCENARIO [SECONDS]`: does one scenario, then prints its log (live.h says what is in it). */
#include "live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scenario {
	const char *name; /* NULL: the end */
	void (*run)(uint64_t until_ns);
};

static const struct scenario scenarios[] = {
	{"pipe", live_run_pipe},
	{"pty", live_run_pty},
	{"tcp", live_run_tcp},
	{"eventfd", live_run_eventfd},
	{"migrate", live_run_migrate},
	{"epoll", live_run_epoll},
	{"chain", live_run_chain},
	{"futex", live_run_futex},
	{"condition", live_run_condition},
	{"semaphore", live_run_semaphore},
	{"preempt", live_run_preempt},
	{"inversion", live_run_inversion},
	{"fsync", live_run_fsync},
	{"direct", live_run_direct},
	{"timer", live_run_timer},
	{"fork", live_run_fork},
	{"join", live_run_join},
	{"signal", live_run_signal},
	{NULL, NULL},
};

static int usage(void)
{
	fputs("usage: live SCENARIO [SECONDS]\n\nscenarios:", stderr);
	for (const struct scenario *s = scenarios; s->name; s++)
		fprintf(stderr, " %s", s->name);
	fputs("\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	double seconds = argc > 2 ? atof(argv[2]) : 1;
	if (argc < 2 || argc > 3 || !(seconds > 0 && seconds <= 60))
		return usage();
	for (const struct scenario *s = scenarios; s->name; s++) {
		if (strcmp(s->name, argv[1]) == 0) {
			live_log_open();
			s->run(live_now_ns() + (uint64_t)(seconds * 1e9));
			live_log_print(s->name);
			return 0;
		}
	}
	return usage();
}
