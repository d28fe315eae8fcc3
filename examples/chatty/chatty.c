/* SPDX-License-Identifier: MIT */
/* A chatty client: `cairn record -o c.cairn -- ./chatty && cairn waits c.cairn browser` */
/*
 * A page shows 200 prices. The browser asks the shop for each of them, the shop asks the stock, and
 * each question waits for the one before: 800 messages over loopback TCP where four would do.
 *
 *   browser ──TCP──▶ shop ──TCP──▶ stock
 *
 * A question carries how many prices it is for, so that the same three can show what the other way
 * costs. Nobody is slow, nobody is busy: all the time goes into waiting for each other.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGES = 80, PAGE_PRICES = 200, READ_US = 15000, PRICE_ROUNDS = 2000 };

/* Keeps a function's frame its own, so that its name is in every stack that passes it. */
#define STEP __attribute__((noinline))

/* A question; its answer has the same shape, with prices for articles. */
struct message {
	uint32_t count;
	uint32_t values[PAGE_PRICES];
};

struct tally {
	uint64_t pages, page_ns, page_ns_max;
	uint64_t round_trips, round_trip_ns_max;
};

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static STEP void put_message(int fd, const struct message *message)
{
	size_t bytes = sizeof(message->count) + message->count * sizeof(message->values[0]);
	if (send(fd, message, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
		err(1, "cannot send");
}

/* 0 when the other side has hung up. */
static STEP int get_message(int fd, struct message *ret)
{
	if (recv(fd, &ret->count, sizeof(ret->count), MSG_WAITALL) != sizeof(ret->count))
		return 0;
	size_t bytes = ret->count * sizeof(ret->values[0]);
	if (ret->count > PAGE_PRICES || recv(fd, ret->values, bytes, MSG_WAITALL) != (ssize_t)bytes)
		errx(1, "half a message");
	return 1;
}

static STEP void look_prices_up(struct message *message)
{
	for (unsigned i = 0; i < message->count; i++) {
		for (unsigned round = 0; round < PRICE_ROUNDS; round++)
			message->values[i] = message->values[i] * 1664525u + 1013904223u;
	}
}

static STEP void keep_stock(int shop)
{
	struct message message;
	while (get_message(shop, &message)) {
		look_prices_up(&message);
		put_message(shop, &message);
	}
}

static STEP void keep_shop(int browser, int stock)
{
	struct message message;
	while (get_message(browser, &message)) {
		put_message(stock, &message);
		if (!get_message(stock, &message))
			errx(1, "the stock has gone");
		put_message(browser, &message);
	}
}

/* The prices of one page, `at_once` with each question. */
static STEP void show_page(int shop, unsigned at_once, struct tally *tally)
{
	uint64_t page_start_ns = now_ns();
	for (unsigned article = 0; article < PAGE_PRICES; article += at_once) {
		struct message message = {.count = at_once};
		for (unsigned i = 0; i < at_once; i++)
			message.values[i] = article + i;
		uint64_t start_ns = now_ns();
		put_message(shop, &message);
		if (!get_message(shop, &message))
			errx(1, "the shop has gone");
		uint64_t round_trip_ns = now_ns() - start_ns;
		tally->round_trips++;
		if (round_trip_ns > tally->round_trip_ns_max)
			tally->round_trip_ns_max = round_trip_ns;
	}
	uint64_t page_ns = now_ns() - page_start_ns;
	tally->pages++;
	tally->page_ns += page_ns;
	if (page_ns > tally->page_ns_max)
		tally->page_ns_max = page_ns;
}

/* Both ends of a connection over loopback, neither of which waits to fill a packet. */
static void connect_both(int *asks_ret, int *answers_ret)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(here);
	int door = socket(AF_INET, SOCK_STREAM, 0), asks = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
	if (door < 0 || asks < 0 || bind(door, (void *)&here, bytes) || listen(door, 1) ||
	    getsockname(door, (void *)&here, &bytes) || connect(asks, (void *)&here, bytes))
		err(1, "loopback");
	int answers = accept(door, NULL, NULL);
	if (answers < 0 || setsockopt(asks, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) ||
	    setsockopt(answers, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)))
		err(1, "loopback");
	close(door);
	*asks_ret = asks;
	*answers_ret = answers;
}

static void say(const struct tally *chat, const struct tally *whole)
{
	printf("chatty: %lu pages of %u prices, each price asked for by itself: %.2f ms a page,"
	       " longest %.2f ms\n",
	       chat->pages, PAGE_PRICES, (double)chat->page_ns / 1e6 / (double)chat->pages,
	       (double)chat->page_ns_max / 1e6);
	printf("browser: %lu round trips, %.1f us each, longest %.2f ms\n", chat->round_trips,
	       (double)chat->page_ns / 1e3 / (double)chat->round_trips,
	       (double)chat->round_trip_ns_max / 1e6);
	printf("the same page with one question: %.2f ms, longest of %lu %.2f ms\n",
	       (double)whole->page_ns / 1e6 / (double)whole->pages, whole->pages,
	       (double)whole->page_ns_max / 1e6);
}

/* 1 in a new process of this name. */
static int become(const char *name)
{
	pid_t pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		prctl(PR_SET_NAME, name);
	return pid == 0;
}

int main(void)
{
	int browser, shop_front, shop_back, stock, failed = 0, status;
	struct tally chat = {0}, whole = {0};
	connect_both(&browser, &shop_front);
	connect_both(&shop_back, &stock);
	if (become("stock")) {
		close(browser);
		close(shop_back);
		keep_stock(stock);
		_exit(0);
	}
	if (become("shop")) {
		close(browser);
		keep_shop(shop_front, shop_back);
		_exit(0);
	}
	close(shop_back);
	prctl(PR_SET_NAME, "browser");
	for (unsigned i = 0; i < PAGES; i++) {
		show_page(browser, 1, &chat);
		usleep(READ_US);
	}
	for (unsigned i = 0; i < PAGES; i++)
		show_page(browser, PAGE_PRICES, &whole);
	close(browser);
	while (wait(&status) > 0)
		failed |= status;
	say(&chat, &whole);
	return failed != 0;
}
