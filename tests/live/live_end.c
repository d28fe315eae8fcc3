/* SPDX-License-Identifier: MIT */
/* Threads that wait for another's end, start or signal. */
#include "live.h"

#include <err.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORK_NS = 500000, NAP_NS = 700000, SIGNAL_WORK_NS = 200000 };

static char *const nap[] = {(char *)"sleep", (char *)"0.002", NULL};
extern char **environ;

static pid_t fork_nap(void)
{
	pid_t pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		execvp(nap[0], nap);
		_exit(1);
	}
	return pid;
}

/* posix_spawn() is a vfork: the parent is back when the child has got rid of its memory. */
static pid_t spawn_nap(void)
{
	pid_t pid;
	uint64_t begin_ns = live_now_ns();
	if (posix_spawnp(&pid, nap[0], NULL, NULL, nap, environ))
		errx(1, "posix_spawn");
	live_waited(begin_ns, live_now_ns(), live_child(pid), "vfork");
	return pid;
}

void live_run_fork(uint64_t until_ns)
{
	live_role("parent");
	for (unsigned i = 0; live_now_ns() < until_ns; i++) {
		pid_t pid = i % 2 ? spawn_nap() : fork_nap();
		int status;
		uint64_t begin_ns = live_now_ns();
		if (waitpid(pid, &status, 0) != pid)
			err(1, "waitpid");
		live_waited(begin_ns, live_now_ns(), live_child(pid), "waitpid");
		if (status)
			errx(1, "sleep ended with status %#x", status);
	}
}

static void *work_and_end(void *argument)
{
	*(int32_t *)argument = gettid();
	live_spin(WORK_NS);
	uint64_t begin_ns = live_now_ns();
	live_sleep(NAP_NS);
	live_waited(begin_ns, live_now_ns(), live_timer(), "nanosleep");
	return NULL;
}

void live_run_join(uint64_t until_ns)
{
	live_role("starter");
	while (live_now_ns() < until_ns) {
		int32_t tid = 0;
		pthread_t thread = live_start(work_and_end, &tid);
		uint64_t begin_ns = live_now_ns();
		pthread_join(thread, NULL);
		live_waited(begin_ns, live_now_ns(), live_thread(tid), "join");
	}
}

/* The kernel itself says who sent it. */
static int await_signal(const sigset_t *signals)
{
	siginfo_t info;
	uint64_t begin_ns = live_now_ns();
	int signal = sigwaitinfo(signals, &info);
	uint64_t end_ns = live_now_ns();
	if (signal < 0)
		err(1, "sigwaitinfo");
	live_waited(begin_ns, end_ns, live_thread(info.si_pid), "signal");
	return signal;
}

static void play_pong(void *argument)
{
	int32_t ping = live_tid_of("ping");
	while (await_signal(argument) == SIGUSR1) {
		live_spin(SIGNAL_WORK_NS);
		kill(ping, SIGUSR1);
	}
}

void live_run_signal(uint64_t until_ns)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	live_role("ping");
	pid_t pong = live_fork("pong", play_pong, &signals);
	while (live_now_ns() < until_ns) {
		live_spin(SIGNAL_WORK_NS);
		kill(pong, SIGUSR1);
		await_signal(&signals);
	}
	kill(pong, SIGUSR2);
	live_reap(pong);
}
