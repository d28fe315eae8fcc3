/* SPDX-License-Identifier: MIT */
/*
 * Programs that wait and say for whom: the truth that explained chains are compared with.
 *
 * A scenario really does one thing (a pipe, a lock, a disk, …) and logs each of its waits with two
 * readings of CLOCK_MONOTONIC, taken immediately before and after the call that may block.
 *
 * What the log can know: who ended a wait, because the programs tell each other, or the kernel
 * tells (si_pid, a wait status); that a wait lies inside its two readings.
 * What it cannot: when in between the thread blocked and when it was woken, so that the way into
 * the kernel, the way back and the queue for a cpu are inside as well; whether it blocked at all
 * (the message may have been there already); which of several who were ready came first: then it
 * names all of them; what strangers did on the machine meanwhile.
 */
#ifndef LIVE_H
#define LIVE_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	LIVE_CANNOT_HERE = 77, /* exit status: this machine lacks something, stderr says what */
	LIVE_CAUSES_MAX = 8,
};

enum live_kind { LIVE_THREAD, LIVE_CHILD, LIVE_CPU, LIVE_DISK, LIVE_TIMER };

/* Whom a wait was for: one of these threads, the thread that had the cpu, a disk, a timer. */
struct live_cause {
	enum live_kind kind;
	unsigned count;
	int32_t tids[LIVE_CAUSES_MAX];
};

uint64_t live_now_ns(void);
/* Computes; for about that long by the clock, longer when others have the cpu. */
void live_spin(uint64_t ns);
void live_sleep(uint64_t ns);

/* The log is shared with all children and printed by the first process at its end. */
void live_log_open(void);
void live_log_print(const char *scenario);

/* Gives the calling thread its role in the log and as its name; its tid. */
int32_t live_role(const char *role);
/* Waits until somebody has that role; its tid. */
int32_t live_tid_of(const char *role);

struct live_cause live_thread(int32_t tid);
struct live_cause live_child(pid_t pid);
struct live_cause live_cpu(int32_t tid);
struct live_cause live_disk(void);
struct live_cause live_timer(void);
/* One more thread that may have been it. */
void live_cause_add(struct live_cause *cause, int32_t tid);

/* The calling thread waited; `how` is a literal. */
void live_waited(uint64_t begin_ns, uint64_t end_ns, struct live_cause cause, const char *how);
/* The calling thread did something; both words are literals. */
void live_did(uint64_t begin_ns, uint64_t end_ns, const char *what, const char *how);

/*
 * A mutex whose takers know for whom they waited: for every thread that had it after they asked,
 * or was still on its way out then. Holds are logged too. Starts as LIVE_LOCK.
 */
struct live_lock {
	pthread_mutex_t mutex;
	uint64_t taken_ns;
	unsigned count;
	struct {
		int32_t tid;
		uint64_t gone_ns; /* 0: has it, or is about to have let it go */
	} takers[LIVE_CAUSES_MAX];
};
#define LIVE_LOCK                                                                                  \
	{                                                                                          \
		.mutex = PTHREAD_MUTEX_INITIALIZER                                                 \
	}

void live_lock_take(struct live_lock *lock);
void live_lock_give(struct live_lock *lock);

/*
 * Computes for that long on a cpu, by looking at the clock all the time: where it jumps, somebody
 * else had the cpu. Long jumps are logged as waits for `rival`, what lies between jumps as "run".
 */
void live_compute(uint64_t ns, int32_t rival);

/* A child process that runs play(argument) in that role; exits 1 when it cannot. */
pid_t live_fork(const char *role, void (*play)(void *), void *argument);
/* Waits for a child of live_fork(), and exits 1 when it failed. */
void live_reap(pid_t pid);
/* Runs play(argument) in a thread; pthread_join() ends it. */
pthread_t live_start(void *(*play)(void *), void *argument);

/* The calling thread stays on the last of its cpus. */
void live_pin(void);
/* Both ends of a TCP connection over loopback, without delays. */
void live_connect(int ends_ret[2]);
/* A new file of that size in the working directory, already without a name; on a disk, or the
 * program ends with a sentence. */
int live_file(uint64_t bytes, int flags);

/* live_pass.c */
void live_run_pipe(uint64_t until_ns);
void live_run_pty(uint64_t until_ns);
void live_run_tcp(uint64_t until_ns);
void live_run_eventfd(uint64_t until_ns);
void live_run_migrate(uint64_t until_ns);
/* live_serve.c */
void live_run_epoll(uint64_t until_ns);
void live_run_chain(uint64_t until_ns);
/* live_lock.c */
void live_run_futex(uint64_t until_ns);
void live_run_condition(uint64_t until_ns);
void live_run_semaphore(uint64_t until_ns);
/* live_cpu.c */
void live_run_preempt(uint64_t until_ns);
void live_run_inversion(uint64_t until_ns);
/* live_device.c */
void live_run_fsync(uint64_t until_ns);
void live_run_direct(uint64_t until_ns);
void live_run_timer(uint64_t until_ns);
/* live_end.c */
void live_run_fork(uint64_t until_ns);
void live_run_join(uint64_t until_ns);
void live_run_signal(uint64_t until_ns);

#endif
