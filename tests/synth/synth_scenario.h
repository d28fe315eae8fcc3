/* SPDX-License-Identifier: MIT */
/* Each makes its threads and what they share; the table of all is in synth.c. */
#ifndef CAIRN_TESTS_SYNTH_SCENARIO_H
#define CAIRN_TESTS_SYNTH_SCENARIO_H

#include "synth_object.h"

enum {
	CALL_READ = 0,
	CALL_WRITE = 1,
	CALL_SEND = 44,
	CALL_RECEIVE = 45,
	CALL_FORK = 57,
	CALL_WAIT = 61,
	CALL_FSYNC = 74,
	CALL_FUTEX = 202,
	CALL_EPOLL = 232
};

/* synth_pipes.c */
void scenario_pipe(struct sim *sim, unsigned size);
void scenario_pty(struct sim *sim, unsigned size);
/* synth_net.c */
void scenario_tcp(struct sim *sim, unsigned size);
void scenario_epoll(struct sim *sim, unsigned size);
void scenario_softirq(struct sim *sim, unsigned size);
void scenario_network(struct sim *sim, unsigned size);
/* synth_locks.c */
void scenario_convoy(struct sim *sim, unsigned size);
void scenario_barging(struct sim *sim, unsigned size);
void scenario_inversion(struct sim *sim, unsigned size);
/* synth_files.c */
void scenario_fsync(struct sim *sim, unsigned size);
void scenario_work(struct sim *sim, unsigned size);
/* synth_lives.c */
void scenario_timer(struct sim *sim, unsigned size);
void scenario_fork(struct sim *sim, unsigned size);
void scenario_hogs(struct sim *sim, unsigned size);
void scenario_migration(struct sim *sim, unsigned size);
void scenario_offline(struct sim *sim, unsigned size);

#endif
