/* SPDX-License-Identifier: MIT */
/*
 * Two processes that pass a message to and fro: through pipes, a pseudo terminal, a TCP connection,
 * eventfds; and through pipes while a third moves them from cpu to cpu. Each computes a while
 * before it answers, so that the other waits.
 */
#include "live.h"

#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

enum { WORK_NS = 200000, MOVE_EVERY_NS = 2000000 };

enum message { GO_ON = 1, END = 2 };

struct side {
	int in, out;
	const char *how;
	int32_t peer;
};

static void put_message(const struct side *side, uint64_t message)
{
	uint64_t begin_ns = live_now_ns();
	if (write(side->out, &message, sizeof(message)) != sizeof(message))
		err(1, "%s", side->how);
	live_did(begin_ns, live_now_ns(), "put", side->how);
}

static uint64_t get_message(const struct side *side)
{
	uint64_t message;
	size_t got = 0;
	uint64_t begin_ns = live_now_ns();
	while (got < sizeof(message)) {
		ssize_t bytes = read(side->in, (char *)&message + got, sizeof(message) - got);
		if (bytes <= 0)
			err(1, "%s", side->how);
		got += (size_t)bytes;
	}
	live_waited(begin_ns, live_now_ns(), live_thread(side->peer), side->how);
	return message;
}

static void play_pong(void *argument)
{
	struct side *side = argument;
	side->peer = live_tid_of("ping");
	while (get_message(side) == GO_ON) {
		live_spin(WORK_NS);
		put_message(side, GO_ON);
	}
}

static void play_ping(struct side *side, uint64_t until_ns)
{
	side->peer = live_tid_of("pong");
	while (live_now_ns() < until_ns) {
		live_spin(WORK_NS);
		put_message(side, GO_ON);
		get_message(side);
	}
	put_message(side, END);
}

static void play(struct side ping, struct side pong, uint64_t until_ns)
{
	live_role("ping");
	pid_t child = live_fork("pong", play_pong, &pong);
	play_ping(&ping, until_ns);
	live_reap(child);
}

static void open_pipes(struct side *ping_ret, struct side *pong_ret)
{
	int to_pong[2], to_ping[2];
	if (pipe(to_pong) || pipe(to_ping))
		err(1, "pipe");
	*ping_ret = (struct side){to_ping[0], to_pong[1], "pipe", 0};
	*pong_ret = (struct side){to_pong[0], to_ping[1], "pipe", 0};
}

void live_run_pipe(uint64_t until_ns)
{
	struct side ping, pong;
	open_pipes(&ping, &pong);
	play(ping, pong, until_ns);
}

/* Raw: the terminal itself answers nothing, so that only the other process does. */
void live_run_pty(uint64_t until_ns)
{
	struct termios raw;
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0 || grantpt(master) || unlockpt(master))
		err(LIVE_CANNOT_HERE, "no pseudo terminal");
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (slave < 0 || tcgetattr(slave, &raw))
		err(1, "%s", ptsname(master));
	cfmakeraw(&raw);
	if (tcsetattr(slave, TCSANOW, &raw))
		err(1, "%s", ptsname(master));
	play((struct side){master, master, "pty", 0}, (struct side){slave, slave, "pty", 0},
	     until_ns);
}

void live_run_tcp(uint64_t until_ns)
{
	int ends[2];
	live_connect(ends);
	play((struct side){ends[0], ends[0], "tcp", 0}, (struct side){ends[1], ends[1], "tcp", 0},
	     until_ns);
}

void live_run_eventfd(uint64_t until_ns)
{
	int to_pong = eventfd(0, 0), to_ping = eventfd(0, 0);
	if (to_pong < 0 || to_ping < 0)
		err(1, "eventfd");
	play((struct side){to_ping, to_pong, "eventfd", 0},
	     (struct side){to_pong, to_ping, "eventfd", 0}, until_ns);
}

static void move(int32_t tid, unsigned nth)
{
	cpu_set_t all, one;
	CPU_ZERO(&one);
	if (sched_getaffinity(getpid(), sizeof(all), &all))
		err(1, "sched_getaffinity");
	nth %= (unsigned)CPU_COUNT(&all);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &all) && nth-- == 0)
			CPU_SET(cpu, &one);
	}
	uint64_t begin_ns = live_now_ns();
	if (sched_setaffinity(tid, sizeof(one), &one))
		err(1, "sched_setaffinity");
	live_did(begin_ns, live_now_ns(), "move", "affinity");
}

/* Sometimes to the same cpu, sometimes to different ones, sometimes in the middle of their work. */
static void play_mover(void *argument)
{
	uint64_t until_ns = *(uint64_t *)argument;
	int32_t ping = live_tid_of("ping"), pong = live_tid_of("pong");
	for (unsigned round = 0; live_now_ns() < until_ns; round++) {
		move(ping, round);
		move(pong, round / 2);
		uint64_t begin_ns = live_now_ns();
		live_sleep(MOVE_EVERY_NS);
		live_waited(begin_ns, live_now_ns(), live_timer(), "nanosleep");
	}
}

void live_run_migrate(uint64_t until_ns)
{
	struct side ping, pong;
	cpu_set_t all;
	if (sched_getaffinity(0, sizeof(all), &all) || CPU_COUNT(&all) < 2)
		errx(LIVE_CANNOT_HERE, "moving threads needs two cpus");
	uint64_t moved_until_ns = until_ns - 50000000;
	open_pipes(&ping, &pong);
	pid_t mover = live_fork("mover", play_mover, &moved_until_ns);
	play(ping, pong, until_ns);
	live_reap(mover);
}
