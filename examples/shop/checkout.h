/* SPDX-License-Identifier: MIT */
/*
 * The store behind the pipes: stock under one lock, and a journal on disk.
 *
 * The lock is held too long on purpose: every SYNC_EVERY-th commit waits for the disk with it,
 * every AUDIT_EVERY-th computes with it. All other workers queue up behind.
 */
#ifndef SHOP_CHECKOUT_H
#define SHOP_CHECKOUT_H

#include <stdint.h>

enum {
	PRODUCTS = 64,
	SYNC_EVERY = 16,
	AUDIT_EVERY = 96,
	RECEIPT_BYTES = 128 * 1024,
	STOCK = 100000, /* of each product */
};

/* Keeps a stage's frame its own, so that its name is in every stack that passes it. */
#define STAGE __attribute__((noinline))

struct order {
	uint32_t number; /* 0 ends the day */
	uint32_t product;
	uint64_t price;
};

/* By the program's own clock, for whoever compares it with a recording. */
struct checkout_tally {
	uint32_t orders;
	uint32_t syncs;
	uint64_t sync_ns, sync_ns_max;
	uint64_t hold_ns_max, wait_ns_max;
	const char *holder, *waiter; /* the stage that held longest, that waited longest */
};

uint64_t now_ns(void);

/* Exits with a sentence when the file cannot be made. */
void checkout_open(const char *journal_path);
uint64_t reserve_stock(const struct order *order); /* what is left of the product */
uint32_t commit_order(const struct order *order);  /* its place in the journal */
/* Removes the journal. */
struct checkout_tally checkout_close(void);

#endif
