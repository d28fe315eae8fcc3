/* SPDX-License-Identifier: MIT */
#include "checkout.h"

#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

static struct {
	pthread_mutex_t lock;
	uint64_t lock_taken_ns;
	uint64_t left[PRODUCTS];
	uint64_t audited;
	struct checkout_tally tally;
	const char *journal_path;
	int journal_fd;
	char receipt[RECEIPT_BYTES];
} store = {.lock = PTHREAD_MUTEX_INITIALIZER};

uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void lock_stock(const char *stage)
{
	uint64_t asked_ns = now_ns();
	pthread_mutex_lock(&store.lock);
	store.lock_taken_ns = now_ns();
	uint64_t wait_ns = store.lock_taken_ns - asked_ns;
	if (wait_ns > store.tally.wait_ns_max) {
		store.tally.wait_ns_max = wait_ns;
		store.tally.waiter = stage;
	}
}

static inline void unlock_stock(const char *stage)
{
	uint64_t hold_ns = now_ns() - store.lock_taken_ns;
	if (hold_ns > store.tally.hold_ns_max) {
		store.tally.hold_ns_max = hold_ns;
		store.tally.holder = stage;
	}
	pthread_mutex_unlock(&store.lock);
}

static STAGE void journal_write(const struct order *order)
{
	store.receipt[order->number % RECEIPT_BYTES] = (char)order->product;
	if (write(store.journal_fd, store.receipt, RECEIPT_BYTES) != RECEIPT_BYTES)
		err(1, "%s", store.journal_path);
}

static STAGE void journal_sync(void)
{
	uint64_t start_ns = now_ns();
	if (fsync(store.journal_fd) < 0)
		err(1, "%s", store.journal_path);
	uint64_t sync_ns = now_ns() - start_ns;
	store.tally.syncs++;
	store.tally.sync_ns += sync_ns;
	if (sync_ns > store.tally.sync_ns_max)
		store.tally.sync_ns_max = sync_ns;
	lseek(store.journal_fd, 0, SEEK_SET);
}

/* Some 30 ms of one cpu. */
static STAGE void audit_stock(void)
{
	uint64_t sum = 0;
	for (unsigned round = 0; round < 500000; round++) {
		for (unsigned i = 0; i < PRODUCTS; i++)
			sum = sum * 31 + store.left[i];
	}
	store.audited += sum;
}

STAGE uint64_t reserve_stock(const struct order *order)
{
	lock_stock("reserve_stock");
	uint64_t left = --store.left[order->product % PRODUCTS];
	unlock_stock("reserve_stock");
	return left;
}

STAGE uint32_t commit_order(const struct order *order)
{
	lock_stock("commit_order");
	journal_write(order);
	uint32_t number = ++store.tally.orders;
	if (number % SYNC_EVERY == 0)
		journal_sync();
	if (number % AUDIT_EVERY == 0)
		audit_stock();
	unlock_stock("commit_order");
	return number;
}

void checkout_open(const char *journal_path)
{
	store.journal_path = journal_path;
	store.journal_fd = open(journal_path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (store.journal_fd < 0)
		err(1, "%s", journal_path);
	for (unsigned i = 0; i < PRODUCTS; i++)
		store.left[i] = STOCK;
}

struct checkout_tally checkout_close(void)
{
	close(store.journal_fd);
	unlink(store.journal_path);
	return store.tally;
}
