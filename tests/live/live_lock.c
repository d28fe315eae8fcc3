/* SPDX-License-Identifier: MIT */
/* Threads that wait for each other's locks, conditions and semaphores: futexes, all of them. */
#include "live.h"

#include <err.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

enum {
	LOCKERS = 4,
	HOLD_NS = 300000,
	LONG_HOLD_NS = 2000000,
	LONG_EVERY = 8, /* holds of each */
	AWAY_NS = 200000,
	WORK_NS = 200000,
};

/* This thread's place in the lock's takers. */
static unsigned find_taker(struct live_lock *lock)
{
	int32_t tid = gettid();
	for (unsigned i = 0; i < lock->count; i++) {
		if (lock->takers[i].tid == tid)
			return i;
	}
	if (lock->count == LIVE_CAUSES_MAX)
		errx(1, "more than %d takers of a lock", LIVE_CAUSES_MAX);
	lock->takers[lock->count].tid = tid;
	return lock->count++;
}

void live_lock_take(struct live_lock *lock)
{
	struct live_cause cause = {.kind = LIVE_THREAD};
	uint64_t begin_ns = live_now_ns();
	pthread_mutex_lock(&lock->mutex);
	lock->taken_ns = live_now_ns();
	unsigned self = find_taker(lock);
	for (unsigned i = 0; i < lock->count; i++) {
		uint64_t gone_ns = __atomic_load_n(&lock->takers[i].gone_ns, __ATOMIC_RELAXED);
		if (i != self && (!gone_ns || gone_ns >= begin_ns))
			live_cause_add(&cause, lock->takers[i].tid);
	}
	lock->takers[self].gone_ns = 0;
	if (cause.count)
		live_waited(begin_ns, lock->taken_ns, cause, "mutex");
}

void live_lock_give(struct live_lock *lock)
{
	unsigned self = find_taker(lock);
	uint64_t taken_ns = lock->taken_ns, given_ns = live_now_ns();
	pthread_mutex_unlock(&lock->mutex);
	__atomic_store_n(&lock->takers[self].gone_ns, live_now_ns(), __ATOMIC_RELAXED);
	live_did(taken_ns, given_ns, "hold", "mutex");
}

static struct {
	struct live_lock lock;
	uint64_t until_ns;
} convoy = {.lock = LIVE_LOCK};

static void *play_locker(void *argument)
{
	char role[16];
	snprintf(role, sizeof(role), "locker-%u", *(unsigned *)argument);
	live_role(role);
	for (unsigned round = 1; live_now_ns() < convoy.until_ns; round++) {
		live_lock_take(&convoy.lock);
		live_spin(round % LONG_EVERY ? HOLD_NS : LONG_HOLD_NS);
		live_lock_give(&convoy.lock);
		uint64_t begin_ns = live_now_ns();
		live_sleep(AWAY_NS);
		live_waited(begin_ns, live_now_ns(), live_timer(), "nanosleep");
	}
	return NULL;
}

void live_run_futex(uint64_t until_ns)
{
	pthread_t threads[LOCKERS];
	unsigned numbers[LOCKERS];
	convoy.until_ns = until_ns;
	for (unsigned i = 0; i < LOCKERS; i++) {
		numbers[i] = i + 1;
		threads[i] = live_start(play_locker, &numbers[i]);
	}
	for (unsigned i = 0; i < LOCKERS; i++)
		pthread_join(threads[i], NULL);
}

/* Two threads take turns. Who gives the turn away says whether there is another one. */
enum side { PING, PONG };

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed[2];
	sem_t posted[2];
	enum side turn;
	int over;
	uint64_t until_ns;
} turns = {.lock = PTHREAD_MUTEX_INITIALIZER,
	   .changed = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER}};

static void await_condition(enum side side, int32_t peer)
{
	pthread_mutex_lock(&turns.lock);
	while (turns.turn != side) {
		uint64_t begin_ns = live_now_ns();
		pthread_cond_wait(&turns.changed[side], &turns.lock);
		live_waited(begin_ns, live_now_ns(), live_thread(peer), "condition");
	}
	pthread_mutex_unlock(&turns.lock);
}

static void give_condition(enum side side)
{
	pthread_mutex_lock(&turns.lock);
	turns.turn = !side;
	pthread_cond_signal(&turns.changed[!side]);
	pthread_mutex_unlock(&turns.lock);
}

static void await_semaphore(enum side side, int32_t peer)
{
	uint64_t begin_ns = live_now_ns();
	sem_wait(&turns.posted[side]);
	live_waited(begin_ns, live_now_ns(), live_thread(peer), "semaphore");
}

static void give_semaphore(enum side side)
{
	sem_post(&turns.posted[!side]);
}

struct player {
	enum side side;
	void (*await)(enum side side, int32_t peer);
	void (*give)(enum side side);
};

static void *play_turns(void *argument)
{
	const struct player *player = argument;
	live_role(player->side == PING ? "ping" : "pong");
	int32_t peer = live_tid_of(player->side == PING ? "pong" : "ping");
	for (;;) {
		player->await(player->side, peer);
		if (turns.over)
			break;
		live_spin(WORK_NS);
		turns.over = live_now_ns() > turns.until_ns;
		player->give(player->side);
		if (turns.over)
			break;
	}
	return NULL;
}

static void play(struct player ping, struct player pong, uint64_t until_ns)
{
	turns.until_ns = until_ns;
	pthread_t thread = live_start(play_turns, &pong);
	play_turns(&ping);
	pthread_join(thread, NULL);
}

void live_run_condition(uint64_t until_ns)
{
	play((struct player){PING, await_condition, give_condition},
	     (struct player){PONG, await_condition, give_condition}, until_ns);
}

void live_run_semaphore(uint64_t until_ns)
{
	if (sem_init(&turns.posted[PING], 0, 1) || sem_init(&turns.posted[PONG], 0, 0))
		err(1, "sem_init");
	play((struct player){PING, await_semaphore, give_semaphore},
	     (struct player){PONG, await_semaphore, give_semaphore}, until_ns);
}
