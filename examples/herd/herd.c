/* SPDX-License-Identifier: MIT */
/* A thundering herd: `cairn record -o h.cairn -- ./herd && cairn waits h.cairn waiter-7` */
/*
 * Forty waiters sleep on one condition. The kitchen rings for every dish, and rings for all: each
 * waiter wakes, queues up for the counter's lock, finds the dish gone and lies down again. One
 * dish, one pair of hands, forty wake-ups; most of the cpu goes into waking.
 */
#include <err.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { WAITERS = 40, DISHES = 500, COOK_US = 3000, CARRY_ROUNDS = 100000 };

/* Keeps a function's frame its own, so that its name is in every stack that passes it. */
#define STEP __attribute__((noinline))

struct waiter {
	char name[16];
	pthread_t thread;
	uint64_t carried, woken_in_vain;
	uint64_t dish_wait_ns_max; /* of a dish, from the bell to this waiter's hands */
	uint64_t carry_ns;         /* cpu time */
	uint64_t steps;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t bell;
	unsigned dishes;
	uint64_t rung_ns;
	int closed;
} counter = {.lock = PTHREAD_MUTEX_INITIALIZER, .bell = PTHREAD_COND_INITIALIZER};

static uint64_t time_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static STEP void ring_for_all(void)
{
	pthread_mutex_lock(&counter.lock);
	counter.dishes++;
	counter.rung_ns = time_ns(CLOCK_MONOTONIC);
	pthread_cond_broadcast(&counter.bell);
	pthread_mutex_unlock(&counter.lock);
}

/* 1 with a dish, 0 when the kitchen has closed. */
static STEP int take_dish(struct waiter *waiter)
{
	pthread_mutex_lock(&counter.lock);
	while (!counter.dishes && !counter.closed) {
		pthread_cond_wait(&counter.bell, &counter.lock);
		waiter->woken_in_vain += !counter.dishes && !counter.closed;
	}
	int taken = counter.dishes > 0;
	if (taken) {
		counter.dishes--;
		uint64_t wait_ns = time_ns(CLOCK_MONOTONIC) - counter.rung_ns;
		if (wait_ns > waiter->dish_wait_ns_max)
			waiter->dish_wait_ns_max = wait_ns;
	}
	pthread_mutex_unlock(&counter.lock);
	return taken;
}

static STEP void *carry_dishes(void *argument)
{
	struct waiter *waiter = argument;
	while (take_dish(waiter)) {
		uint64_t start_ns = time_ns(CLOCK_THREAD_CPUTIME_ID);
		for (unsigned i = 0; i < CARRY_ROUNDS; i++)
			waiter->steps = waiter->steps * 6364136223846793005u + i;
		waiter->carry_ns += time_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
		waiter->carried++;
	}
	return NULL;
}

static STEP void cook(void)
{
	for (unsigned i = 0; i < DISHES; i++) {
		usleep(COOK_US);
		ring_for_all();
	}
	pthread_mutex_lock(&counter.lock);
	counter.closed = 1;
	pthread_cond_broadcast(&counter.bell);
	pthread_mutex_unlock(&counter.lock);
}

static void say(const struct waiter *waiters, uint64_t run_ns)
{
	const struct waiter *slowest = waiters;
	uint64_t carried = 0, in_vain = 0, carry_ns = 0;
	for (const struct waiter *waiter = waiters; waiter < waiters + WAITERS; waiter++) {
		carried += waiter->carried;
		in_vain += waiter->woken_in_vain;
		carry_ns += waiter->carry_ns;
		if (waiter->dish_wait_ns_max > slowest->dish_wait_ns_max)
			slowest = waiter;
	}
	printf("herd: %u waiters carried %lu dishes in %.2f s\n", WAITERS, carried,
	       (double)run_ns / 1e9);
	printf("they were woken %lu times in vain, %.0f times for each dish; longest wait of a dish"
	       " %.2f ms, for %s\n",
	       in_vain, (double)in_vain / DISHES, (double)slowest->dish_wait_ns_max / 1e6,
	       slowest->name);
	printf("cpu: %.0f ms, %.0f ms of it to carry dishes\n",
	       (double)time_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e6, (double)carry_ns / 1e6);
}

int main(void)
{
	static struct waiter waiters[WAITERS];
	uint64_t start_ns = time_ns(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < WAITERS; i++) {
		snprintf(waiters[i].name, sizeof(waiters[i].name), "waiter-%u", i + 1);
		if (pthread_create(&waiters[i].thread, NULL, carry_dishes, &waiters[i]))
			errx(1, "cannot start a thread");
		pthread_setname_np(waiters[i].thread, waiters[i].name);
	}
	pthread_setname_np(pthread_self(), "kitchen");
	cook();
	for (unsigned i = 0; i < WAITERS; i++)
		pthread_join(waiters[i].thread, NULL);
	say(waiters, time_ns(CLOCK_MONOTONIC) - start_ns);
	return 0;
}
