/* SPDX-License-Identifier: MIT */
/*
 * Who emits when processes fork, call vfork, exec, take signals and are stepped through.
 *
 * Prints `ROLE TID EVENTS` for each that emitted family:said with that role. Exit status 1 when a
 * marker changed errno.
 */
#include <cairn/marker.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int changed;
static volatile int handled;

static void say(const char *role, int times)
{
	for (int i = 0; i < times; i++) {
		errno = 77;
		CAIRN_MARK(family, said, CAIRN_TEXT(role, role), CAIRN_INT(number, i));
		changed |= errno != 77;
	}
}

static void tell(const char *role, int times)
{
	printf("%s %ld %d\n", role, (long)syscall(SYS_gettid), times);
	fflush(stdout);
}

static void on_alarm(int number)
{
	(void)number;
	say("handler", 1);
	handled++;
}

static void take_signals(void)
{
	struct itimerval every = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &every, NULL);
	say("interrupted", 200000);
	setitimer(ITIMER_REAL, &never, NULL);
	tell("interrupted", 200000);
	tell("handler", handled);
}

/* Each instruction a stop: no sequence would ever end. */
static void be_stepped(void)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		say("stepped", 3);
		_exit(0);
	}
	for (waitpid(pid, &status, 0); WIFSTOPPED(status); waitpid(pid, &status, 0)) {
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0)
			break;
	}
	printf("stepped %d 3\n", (int)pid);
}

static void *in_thread(void *argument)
{
	(void)argument;
	say("thread", 10);
	tell("thread", 10);
	return NULL;
}

static void have_children(char *self)
{
	pthread_t thread;
	if (fork() == 0) {
		say("child", 10);
		tell("child", 10);
		if (fork() == 0) {
			pthread_create(&thread, NULL, in_thread, NULL);
			pthread_join(thread, NULL);
			_exit(changed);
		}
		wait(NULL);
		_exit(changed);
	}
	wait(NULL);
	if (vfork() == 0) {
		execl(self, self, "exec", (char *)NULL);
		_exit(1);
	}
	wait(NULL);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1) {
		say("exec", 5);
		tell("exec", 5);
		return changed;
	}
	say("parent", 10);
	have_children(argv[0]);
	say("parent", 10);
	tell("parent", 20);
	take_signals();
	be_stepped();
	return changed;
}
