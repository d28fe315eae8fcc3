/* SPDX-License-Identifier: MIT */
/* Disk behind a lock: `cairn record -o l.cairn -- ./ledger l.db && cairn waits l.cairn teller-1` */
/*
 * A bookkeeper enters a page of bookings every few milliseconds and keeps the ledger locked until
 * the disk has it. Four tellers only want to know a balance, which is in memory all the time: they
 * wait for a disk they never use.
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	TELLERS = 4,
	ACCOUNTS = 1024,
	PAGES = 200,
	PAGE_BYTES = 4 << 20,
	FILE_PAGES = 4, /* written over and over */
	BOOKING_US = 5000,
	ASK_US = 500,
	LONG_NS = 1000000,
};

/* Keeps a function's frame its own, so that its name is in every stack that passes it. */
#define STEP __attribute__((noinline))

struct teller {
	char name[16];
	pthread_t thread;
	uint64_t asked, long_waits, behind_disk;
	uint64_t wait_ns, wait_ns_max;
};

static struct {
	pthread_mutex_t lock;
	int64_t balances[ACCOUNTS];
	uint64_t pages, write_ns, write_ns_max;
	const char *path;
	int fd;
	int closed;
	char page[PAGE_BYTES];
} ledger = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Back when the disk has it: the file is open with O_DSYNC. */
static STEP void write_page(void)
{
	uint64_t start_ns = now_ns();
	off_t place = (off_t)(ledger.pages % FILE_PAGES) * PAGE_BYTES;
	memset(ledger.page, (int)ledger.pages, PAGE_BYTES);
	if (pwrite(ledger.fd, ledger.page, PAGE_BYTES, place) != PAGE_BYTES)
		err(1, "%s", ledger.path);
	uint64_t write_ns = now_ns() - start_ns;
	ledger.write_ns += write_ns;
	if (write_ns > ledger.write_ns_max)
		ledger.write_ns_max = write_ns;
}

static STEP void *enter_bookings(void *argument)
{
	(void)argument;
	for (unsigned page = 1; page <= PAGES; page++) {
		usleep(BOOKING_US);
		pthread_mutex_lock(&ledger.lock);
		for (unsigned i = 0; i < ACCOUNTS; i++)
			ledger.balances[i] += (int64_t)(i * page % 199) - 99;
		write_page();
		ledger.pages = page;
		ledger.closed = page == PAGES;
		pthread_mutex_unlock(&ledger.lock);
	}
	return NULL;
}

/* 0 when the bank has closed. */
static STEP int tell_balance(struct teller *teller)
{
	uint64_t asked_ns = now_ns();
	uint64_t pages = __atomic_load_n(&ledger.pages, __ATOMIC_RELAXED);
	pthread_mutex_lock(&ledger.lock);
	uint64_t wait_ns = now_ns() - asked_ns;
	int written_meanwhile = ledger.pages != pages, open = !ledger.closed;
	volatile int64_t balance = ledger.balances[teller->asked % ACCOUNTS];
	(void)balance;
	pthread_mutex_unlock(&ledger.lock);
	teller->asked++;
	teller->wait_ns += wait_ns;
	teller->long_waits += wait_ns > LONG_NS;
	teller->behind_disk += wait_ns > LONG_NS && written_meanwhile;
	if (wait_ns > teller->wait_ns_max)
		teller->wait_ns_max = wait_ns;
	return open;
}

static STEP void *serve_customers(void *argument)
{
	while (tell_balance(argument))
		usleep(ASK_US);
	return NULL;
}

static void say(const struct teller *tellers, uint64_t run_ns)
{
	const struct teller *slowest = tellers;
	uint64_t asked = 0, long_waits = 0, behind_disk = 0, wait_ns = 0;
	for (const struct teller *teller = tellers; teller < tellers + TELLERS; teller++) {
		asked += teller->asked;
		long_waits += teller->long_waits;
		behind_disk += teller->behind_disk;
		wait_ns += teller->wait_ns;
		if (teller->wait_ns_max > slowest->wait_ns_max)
			slowest = teller;
	}
	printf("ledger: %lu pages entered, %lu balances told in %.2f s\n", ledger.pages, asked,
	       (double)run_ns / 1e9);
	printf("disk: %.0f ms in all with the ledger locked, longest write %.2f ms\n",
	       (double)ledger.write_ns / 1e6, (double)ledger.write_ns_max / 1e6);
	printf("tellers: waited %.0f ms in all, longest %.2f ms by %s; %lu of %lu waits above %u ms"
	       " were behind a write\n",
	       (double)wait_ns / 1e6, (double)slowest->wait_ns_max / 1e6, slowest->name,
	       behind_disk, long_waits, LONG_NS / 1000000);
}

int main(int argc, char **argv)
{
	static struct teller tellers[TELLERS];
	if (argc != 2) {
		fputs("usage: ledger FILE\n", stderr);
		return 2;
	}
	ledger.path = argv[1];
	ledger.fd = open(argv[1], O_CREAT | O_TRUNC | O_WRONLY | O_DSYNC | O_CLOEXEC, 0600);
	if (ledger.fd < 0)
		err(1, "%s", argv[1]);
	uint64_t start_ns = now_ns();
	pthread_t bookkeeper;
	if (pthread_create(&bookkeeper, NULL, enter_bookings, NULL))
		errx(1, "cannot start a thread");
	pthread_setname_np(bookkeeper, "bookkeeper");
	for (unsigned i = 0; i < TELLERS; i++) {
		snprintf(tellers[i].name, sizeof(tellers[i].name), "teller-%u", i + 1);
		if (pthread_create(&tellers[i].thread, NULL, serve_customers, &tellers[i]))
			errx(1, "cannot start a thread");
		pthread_setname_np(tellers[i].thread, tellers[i].name);
	}
	for (unsigned i = 0; i < TELLERS; i++)
		pthread_join(tellers[i].thread, NULL);
	pthread_join(bookkeeper, NULL);
	say(tellers, now_ns() - start_ns);
	close(ledger.fd);
	unlink(argv[1]);
	return 0;
}
