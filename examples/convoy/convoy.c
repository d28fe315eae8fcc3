/* SPDX-License-Identifier: MIT */
/* A convoy: `cairn record -o c.cairn -- ./convoy && cairn waits --comm 'clerk-*' c.cairn` */
/*
 * Five clerks look prices up in one table behind one lock. Each holds it for a moment only, but
 * whoever makes it another hundred lookups sorts the table while the others queue up behind, and
 * the queue is still there when the lock is free again. The averages look fine.
 */
#include <err.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	CLERKS = 5,
	PRICES = 1 << 17,
	SORT_EVERY = 100, /* lookups */
	SORTS = 40,
	ENTRY_US = 1500, /* what a clerk does with a price, away from the table */
	LONG_NS = 1000000,
};

/* Keeps a function's frame its own, so that its name is in every stack that passes it. */
#define STEP __attribute__((noinline))

struct clerk {
	char name[16];
	pthread_t thread;
	uint64_t lookups, long_waits;
	uint64_t wait_ns, wait_ns_max;
	uint64_t hold_ns_max;
};

static struct {
	pthread_mutex_t lock;
	uint32_t prices[PRICES];
	uint64_t lookups;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare_prices(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* Some 15 ms of one cpu; the new prices come with it. */
static STEP void sort_prices(void)
{
	uint32_t seed = (uint32_t)table.lookups | 1;
	for (unsigned i = 0; i < PRICES; i++)
		table.prices[i] = seed = seed * 1664525u + 1013904223u;
	qsort(table.prices, PRICES, sizeof(table.prices[0]), compare_prices);
}

/* How long the table was held. */
static STEP uint64_t look_up_price(uint64_t *held_from_ns_ret)
{
	pthread_mutex_lock(&table.lock);
	uint64_t held_from_ns = now_ns();
	uint32_t wanted = (uint32_t)(table.lookups * 2654435761u);
	bsearch(&wanted, table.prices, PRICES, sizeof(wanted), compare_prices);
	if (++table.lookups % SORT_EVERY == 0)
		sort_prices();
	uint64_t hold_ns = now_ns() - held_from_ns;
	pthread_mutex_unlock(&table.lock);
	*held_from_ns_ret = held_from_ns;
	return hold_ns;
}

static STEP void *serve_customers(void *argument)
{
	struct clerk *clerk = argument;
	while (clerk->lookups < SORTS * SORT_EVERY / CLERKS) {
		uint64_t asked_ns = now_ns(), held_from_ns;
		uint64_t hold_ns = look_up_price(&held_from_ns);
		uint64_t wait_ns = held_from_ns - asked_ns;
		clerk->lookups++;
		clerk->wait_ns += wait_ns;
		clerk->long_waits += wait_ns > LONG_NS;
		if (wait_ns > clerk->wait_ns_max)
			clerk->wait_ns_max = wait_ns;
		if (hold_ns > clerk->hold_ns_max)
			clerk->hold_ns_max = hold_ns;
		usleep(ENTRY_US);
	}
	return NULL;
}

static void say(const struct clerk *clerks, uint64_t run_ns)
{
	const struct clerk *waiter = clerks, *holder = clerks;
	uint64_t lookups = 0, long_waits = 0, wait_ns = 0;
	for (const struct clerk *clerk = clerks; clerk < clerks + CLERKS; clerk++) {
		lookups += clerk->lookups;
		long_waits += clerk->long_waits;
		wait_ns += clerk->wait_ns;
		if (clerk->wait_ns_max > waiter->wait_ns_max)
			waiter = clerk;
		if (clerk->hold_ns_max > holder->hold_ns_max)
			holder = clerk;
	}
	printf("convoy: %u clerks looked %lu prices up in %.2f s, %lu times the table was sorted\n",
	       CLERKS, lookups, (double)run_ns / 1e9, table.lookups / SORT_EVERY);
	printf("table lock: longest hold %.2f ms by %s, longest wait %.2f ms by %s\n",
	       (double)holder->hold_ns_max / 1e6, holder->name, (double)waiter->wait_ns_max / 1e6,
	       waiter->name);
	printf("they waited %.0f ms in all, %lu times longer than %u ms\n", (double)wait_ns / 1e6,
	       long_waits, LONG_NS / 1000000);
}

int main(void)
{
	static struct clerk clerks[CLERKS];
	uint64_t start_ns = now_ns();
	sort_prices();
	for (unsigned i = 0; i < CLERKS; i++) {
		snprintf(clerks[i].name, sizeof(clerks[i].name), "clerk-%u", i + 1);
		if (pthread_create(&clerks[i].thread, NULL, serve_customers, &clerks[i]))
			errx(1, "cannot start a thread");
		pthread_setname_np(clerks[i].thread, clerks[i].name);
	}
	for (unsigned i = 0; i < CLERKS; i++)
		pthread_join(clerks[i].thread, NULL);
	say(clerks, now_ns() - start_ns);
	return 0;
}
