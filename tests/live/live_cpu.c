/* SPDX-License-Identifier: MIT */
/*
 * Threads on one cpu: two that both want it, and three of which the least important has the lock
 * that the most important wants, while the one between has the cpu.
 */
#include "live.h"

#include <err.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	JUMP_NS = 20000,        /* more than an interrupt takes */
	LONG_JUMP_NS = 1000000, /* worth a line as a wait */
	CHUNK_NS = 50000000,
	LOW_HOLDS_NS = 3000000,
	LOW_AWAY_NS = 4000000,
	MID_RUNS_NS = 20000000,
	MID_AWAY_NS = 5000000,
	HIGH_HOLDS_NS = 200000,
	HIGH_AWAY_NS = 6000000,
};

void live_compute(uint64_t ns, int32_t rival)
{
	uint64_t ran_ns = 0, from_ns = live_now_ns(), last_ns = from_ns;
	while (ran_ns + (last_ns - from_ns) < ns) {
		uint64_t now_ns = live_now_ns();
		if (now_ns - last_ns >= JUMP_NS) {
			live_did(from_ns, last_ns, "run", "cpu");
			ran_ns += last_ns - from_ns;
			from_ns = now_ns;
			if (now_ns - last_ns >= LONG_JUMP_NS)
				live_waited(last_ns, now_ns, live_cpu(rival), "cpu");
		}
		last_ns = now_ns;
	}
	live_did(from_ns, last_ns, "run", "cpu");
}

static void sleep_logged(uint64_t ns)
{
	uint64_t begin_ns = live_now_ns();
	live_sleep(ns);
	live_waited(begin_ns, live_now_ns(), live_timer(), "nanosleep");
}

static void be_nice(int nice)
{
	if (setpriority(PRIO_PROCESS, (id_t)gettid(), nice))
		err(1, "setpriority");
}

struct spinner {
	const char *role, *rival;
	uint64_t until_ns;
};

static void *play_spinner(void *argument)
{
	const struct spinner *spinner = argument;
	live_pin();
	live_role(spinner->role);
	int32_t rival = live_tid_of(spinner->rival);
	while (live_now_ns() < spinner->until_ns)
		live_compute(CHUNK_NS, rival);
	return NULL;
}

void live_run_preempt(uint64_t until_ns)
{
	struct spinner left = {"left", "right", until_ns}, right = {"right", "left", until_ns};
	pthread_t threads[] = {live_start(play_spinner, &left), live_start(play_spinner, &right)};
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
}

static struct {
	struct live_lock lock;
	uint64_t until_ns;
} bus = {.lock = LIVE_LOCK};

static void *play_low(void *argument)
{
	(void)argument;
	live_pin();
	live_role("low");
	int32_t mid = live_tid_of("mid");
	be_nice(19);
	while (live_now_ns() < bus.until_ns) {
		live_lock_take(&bus.lock);
		live_compute(LOW_HOLDS_NS, mid);
		live_lock_give(&bus.lock);
		sleep_logged(LOW_AWAY_NS);
	}
	return NULL;
}

static void *play_mid(void *argument)
{
	(void)argument;
	live_pin();
	live_role("mid");
	int32_t low = live_tid_of("low");
	be_nice(10);
	while (live_now_ns() < bus.until_ns) {
		live_compute(MID_RUNS_NS, low);
		sleep_logged(MID_AWAY_NS);
	}
	return NULL;
}

static void *play_high(void *argument)
{
	(void)argument;
	live_pin();
	live_role("high");
	while (live_now_ns() < bus.until_ns) {
		live_lock_take(&bus.lock);
		live_spin(HIGH_HOLDS_NS);
		live_lock_give(&bus.lock);
		sleep_logged(HIGH_AWAY_NS);
	}
	return NULL;
}

/* Only ever nicer, which needs no privilege. */
void live_run_inversion(uint64_t until_ns)
{
	bus.until_ns = until_ns;
	pthread_t threads[] = {live_start(play_low, NULL), live_start(play_mid, NULL),
			       live_start(play_high, NULL)};
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}
