/* SPDX-License-Identifier: MIT */
/*
 * A small shop to record: three processes in a chain of pipes, and a store with four workers.
 *
 *   till ──pipe──▶ pricer ──pipe──▶ store: workers reserve, commit (checkout.c)
 *
 * At the end it says what it did and how long the worst took, by its own clock.
 */
#include "checkout.h"

#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 4, ORDER_EVERY_US = 4000 };

static void put_order(int fd, const struct order *order)
{
	if (write(fd, order, sizeof(*order)) != sizeof(*order))
		err(1, "pipe");
}

/* Orders are smaller than PIPE_BUF and all of one size: a read gets one whole or the end. */
static int get_order(int fd, struct order *ret)
{
	return read(fd, ret, sizeof(*ret)) == sizeof(*ret);
}

static STAGE void ring_up_orders(int out, unsigned orders)
{
	for (unsigned i = 1; i <= orders; i++) {
		struct order order = {.number = i, .product = i * 2654435761u % PRODUCTS};
		put_order(out, &order);
		usleep(ORDER_EVERY_US);
	}
}

static STAGE uint64_t work_out_price(const struct order *order)
{
	uint64_t price = order->product + 1;
	for (unsigned i = 0; i < 300000; i++)
		price = price * 6364136223846793005u + order->number;
	return price % 10000;
}

static STAGE void price_orders(int in, int out)
{
	struct order order;
	while (get_order(in, &order)) {
		order.price = work_out_price(&order);
		put_order(out, &order);
	}
}

static STAGE void *serve_orders(void *argument)
{
	int in = *(int *)argument;
	struct order order;
	while (get_order(in, &order)) {
		if (reserve_stock(&order) > 0)
			commit_order(&order);
	}
	return NULL;
}

/* A child named `name` runs stage(in, out); the parent keeps neither end. */
static pid_t start_till(int out, int other_end, unsigned orders)
{
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, "shop-till");
		close(other_end);
		ring_up_orders(out, orders);
		_exit(0);
	}
	close(out);
	return pid;
}

static pid_t start_pricer(int in, int out, int other_end)
{
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, "shop-pricer");
		close(other_end);
		price_orders(in, out);
		_exit(0);
	}
	close(in);
	close(out);
	return pid;
}

static void run_store(int in)
{
	pthread_t workers[WORKERS];
	for (unsigned i = 0; i < WORKERS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "worker-%u", i + 1);
		if (pthread_create(&workers[i], NULL, serve_orders, &in))
			errx(1, "cannot start a thread");
		pthread_setname_np(workers[i], name);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
}

static void say(const struct checkout_tally *tally, uint64_t run_ns)
{
	printf("shop: %u orders in %.2f s, through till, pricer and %d workers\n", tally->orders,
	       (double)run_ns / 1e9, WORKERS);
	printf("stock lock: longest hold %.2f ms in %s, longest wait %.2f ms in %s\n",
	       (double)tally->hold_ns_max / 1e6, tally->holder, (double)tally->wait_ns_max / 1e6,
	       tally->waiter);
	printf("journal: %u fsyncs in journal_sync, %.2f ms in all, longest %.2f ms\n",
	       tally->syncs, (double)tally->sync_ns / 1e6, (double)tally->sync_ns_max / 1e6);
}

int main(int argc, char **argv)
{
	if (argc != 3 || atoi(argv[1]) < 1) {
		fputs("usage: shop ORDERS JOURNAL-FILE\n", stderr);
		return 2;
	}
	int to_pricer[2], to_store[2];
	if (pipe(to_pricer) || pipe(to_store))
		err(1, "pipe");
	checkout_open(argv[2]);
	uint64_t start_ns = now_ns();
	pid_t pricer = start_pricer(to_pricer[0], to_store[1], to_pricer[1]);
	pid_t till = start_till(to_pricer[1], to_store[0], (unsigned)atoi(argv[1]));
	if (pricer < 0 || till < 0)
		err(1, "fork");
	run_store(to_store[0]);
	waitpid(till, NULL, 0);
	waitpid(pricer, NULL, 0);
	struct checkout_tally tally = checkout_close();
	say(&tally, now_ns() - start_ns);
	return 0;
}
