/* SPDX-License-Identifier: MIT */
#include "probe_victim.h"
#include "probe_work.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BIRTH_PAUSE_US = 3000, FORK_PAUSE_US = 7000, TIMER_US = 1700 };

static struct victim *victim;

static void check(unsigned k)
{
	k %= VICTIM_NUMBERS;
	if (work_all(k) != victim->expected[k])
		__atomic_fetch_add(&victim->wrong, 1, __ATOMIC_RELAXED);
}

static void *work(void *rounds)
{
	volatile uint64_t *mine = rounds;
	for (unsigned k = 0; !victim->stop; k++) {
		check(k);
		++*mine;
	}
	return NULL;
}

static void *be_born(void *unused)
{
	check((unsigned)victim->births);
	return unused;
}

static void *bear(void *unused)
{
	pthread_t child;
	while (!victim->stop) {
		if (!pthread_create(&child, NULL, be_born, NULL))
			pthread_join(child, NULL);
		victim->births++;
		usleep(BIRTH_PAUSE_US);
	}
	return unused;
}

/* A child works on in the parent's code, probes and all; every other one becomes a program. */
static void *fork_often(void *unused)
{
	for (unsigned k = 0; !victim->stop; k++) {
		int status = -1;
		pid_t pid = fork();
		if (pid == 0) {
			check(k);
			if (k & 1)
				execl("/proc/self/exe", "victim", "execed", NULL);
			_exit(0);
		}
		if (waitpid(pid, &status, 0) == pid && status)
			__atomic_fetch_add(&victim->wrong, 1, __ATOMIC_RELAXED);
		victim->forks += !(k & 1);
		victim->execs += k & 1;
		usleep(FORK_PAUSE_US);
	}
	return unused;
}

static void on_timer(int signal)
{
	uint64_t (*function)(uint64_t) = work_functions[victim->signals++ % WORK_FUNCTIONS];
	(void)signal;
	if (function(7) != function(7))
		victim->wrong++;
}

static void be_victim(void)
{
	static uint8_t other_stack[1 << 16];
	pthread_t threads[VICTIM_THREADS + 2];
	struct itimerval timer = {{0, TIMER_US}, {0, TIMER_US}};
	struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART | SA_ONSTACK};
	stack_t stack = {.ss_sp = other_stack, .ss_size = sizeof(other_stack)};
	sigaltstack(&stack, NULL);
	sigaction(SIGALRM, &action, NULL);
	for (unsigned t = 0; t < VICTIM_THREADS; t++)
		pthread_create(&threads[t], NULL, work, (void *)&victim->rounds[t]);
	pthread_create(&threads[VICTIM_THREADS], NULL, bear, NULL);
	pthread_create(&threads[VICTIM_THREADS + 1], NULL, fork_often, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (unsigned t = 0; t < VICTIM_THREADS + 2; t++)
		pthread_join(threads[t], NULL);
	_exit(0);
}

pid_t victim_start(struct victim *v)
{
	victim = v;
	for (unsigned k = 0; k < VICTIM_NUMBERS; k++)
		v->expected[k] = work_all(k);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		be_victim();
	}
	return pid;
}

int victim_execed(void)
{
	return work_all(3) == work_all(3) ? 0 : 1;
}
