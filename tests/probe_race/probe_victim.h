/* SPDX-License-Identifier: MIT */
/* A busy process that checks itself, for probes to be put into. */
#ifndef CAIRN_PROBE_VICTIM_H
#define CAIRN_PROBE_VICTIM_H

#include <stdint.h>
#include <sys/types.h>

enum { VICTIM_THREADS = 8, VICTIM_NUMBERS = 64 };

struct victim {
	volatile uint64_t rounds[VICTIM_THREADS]; /* each thread's own work, */
	volatile uint64_t signals;                /* that of signal handlers, */
	volatile uint64_t births, forks, execs;   /* of threads and processes that came and went: */
	volatile uint64_t wrong;                  /* and whatever was not as it should be */
	volatile uint64_t stop;
	uint64_t expected[VICTIM_NUMBERS];
};

/* In memory that both see; returns the process. It ends by itself when told to stop. */
pid_t victim_start(struct victim *victim);

/* What a process does that a victim has become by exec: 0 when its work is right. */
int victim_execed(void);

#endif
