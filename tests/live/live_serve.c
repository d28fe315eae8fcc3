/* SPDX-License-Identifier: MIT */
/*
 * More than two: a server with an epoll and several clients; and a chain, in which an asker waits
 * for a worker, the worker for a lock, its holder for a disk.
 */
#include "live.h"

#include <err.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	CLIENTS = 4,
	SERVE_NS = 100000,
	CLIENT_SLEEP_NS = 400000,
	ASK_NS = 200000,
	COMMIT_SLEEP_NS = 1500000,
	COMMIT_BYTES = 256 * 1024,
	FILE_COMMITS = 16,
};

struct client {
	uint64_t until_ns;
	char role[16];
	unsigned number;
	int end, server_end;
	int32_t tid;
};

static void sleep_logged(uint64_t ns)
{
	uint64_t begin_ns = live_now_ns();
	live_sleep(ns);
	live_waited(begin_ns, live_now_ns(), live_timer(), "nanosleep");
}

static void play_client(void *argument)
{
	struct client *client = argument;
	int32_t server = live_tid_of("server");
	char byte = 1;
	while (live_now_ns() < client->until_ns) {
		sleep_logged(CLIENT_SLEEP_NS * client->number);
		if (write(client->end, &byte, 1) != 1)
			err(1, "client");
		uint64_t begin_ns = live_now_ns();
		if (read(client->end, &byte, 1) != 1)
			err(1, "client");
		live_waited(begin_ns, live_now_ns(), live_thread(server), "tcp");
	}
}

/* 0 when the client has hung up. */
static int serve(const struct client *client)
{
	char byte;
	if (read(client->server_end, &byte, 1) != 1)
		return 0;
	live_spin(SERVE_NS);
	if (write(client->server_end, &byte, 1) != 1)
		err(1, "server");
	return 1;
}

/* Which of those that are ready was the first, the log cannot know. */
static void play_server(int epoll)
{
	struct epoll_event ready[CLIENTS];
	unsigned open = CLIENTS;
	while (open > 0) {
		uint64_t begin_ns = live_now_ns();
		int count = epoll_wait(epoll, ready, CLIENTS, -1);
		uint64_t end_ns = live_now_ns();
		if (count <= 0)
			err(1, "epoll_wait");
		struct live_cause cause = {.kind = LIVE_THREAD};
		for (int i = 0; i < count; i++)
			live_cause_add(&cause, ((struct client *)ready[i].data.ptr)->tid);
		live_waited(begin_ns, end_ns, cause, "epoll");
		for (int i = 0; i < count; i++) {
			struct client *client = ready[i].data.ptr;
			if (serve(client))
				continue;
			/* Closing would not do: later clients have this end too. */
			if (epoll_ctl(epoll, EPOLL_CTL_DEL, client->server_end, NULL))
				err(1, "epoll_ctl");
			open--;
		}
	}
}

/* A client's own end is nobody else's, so that its end is the connection's. */
static void start_clients(struct client *clients, pid_t *pids)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		int ends[2];
		live_connect(ends);
		clients[i].end = ends[0];
		clients[i].server_end = ends[1];
		pids[i] = live_fork(clients[i].role, play_client, &clients[i]);
		close(ends[0]);
		clients[i].tid = pids[i];
	}
}

void live_run_epoll(uint64_t until_ns)
{
	static struct client clients[CLIENTS];
	pid_t pids[CLIENTS];
	for (unsigned i = 0; i < CLIENTS; i++) {
		clients[i] = (struct client){.until_ns = until_ns, .number = i + 1};
		snprintf(clients[i].role, sizeof(clients[i].role), "client-%u", i + 1);
	}
	live_role("server");
	start_clients(clients, pids);
	int epoll = epoll_create1(0);
	if (epoll < 0)
		err(1, "epoll_create1");
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].server_end, &event))
			err(1, "epoll_ctl");
	}
	play_server(epoll);
	for (unsigned i = 0; i < CLIENTS; i++)
		live_reap(pids[i]);
}

static struct {
	struct live_lock lock;
	uint64_t until_ns;
	int fd;
	int to_worker[2], to_asker[2];
} chain = {.lock = LIVE_LOCK};

static void *play_committer(void *argument)
{
	static char data[COMMIT_BYTES];
	(void)argument;
	live_role("committer");
	for (unsigned i = 0; live_now_ns() < chain.until_ns; i++) {
		live_lock_take(&chain.lock);
		off_t place = (off_t)(i % FILE_COMMITS) * COMMIT_BYTES;
		if (pwrite(chain.fd, data, COMMIT_BYTES, place) != COMMIT_BYTES)
			err(1, "pwrite");
		uint64_t begin_ns = live_now_ns();
		if (fsync(chain.fd))
			err(1, "fsync");
		live_waited(begin_ns, live_now_ns(), live_disk(), "fsync");
		live_lock_give(&chain.lock);
		sleep_logged(COMMIT_SLEEP_NS);
	}
	return NULL;
}

static int get_byte(int fd, int32_t from)
{
	char byte;
	uint64_t begin_ns = live_now_ns();
	int got = read(fd, &byte, 1) == 1;
	live_waited(begin_ns, live_now_ns(), live_thread(from), "pipe");
	return got;
}

static void play_asker(void *argument)
{
	int32_t worker = live_tid_of("worker");
	(void)argument;
	close(chain.to_worker[0]);
	while (live_now_ns() < chain.until_ns) {
		live_spin(ASK_NS);
		if (write(chain.to_worker[1], "?", 1) != 1 || !get_byte(chain.to_asker[0], worker))
			err(1, "asker");
	}
}

void live_run_chain(uint64_t until_ns)
{
	if (pipe(chain.to_worker) || pipe(chain.to_asker))
		err(1, "pipe");
	chain.until_ns = until_ns;
	chain.fd = live_file((uint64_t)FILE_COMMITS * COMMIT_BYTES, 0);
	live_role("worker");
	pid_t asker = live_fork("asker", play_asker, NULL);
	close(chain.to_worker[1]);
	pthread_t committer = live_start(play_committer, NULL);
	while (get_byte(chain.to_worker[0], asker)) {
		live_lock_take(&chain.lock);
		live_lock_give(&chain.lock);
		if (write(chain.to_asker[1], "!", 1) != 1)
			err(1, "worker");
	}
	pthread_join(committer, NULL);
	live_reap(asker);
}
