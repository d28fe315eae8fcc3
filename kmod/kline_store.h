/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The loaded tables, and the sections of running code they are about.
 *
 * Whoever prints a trace reads the sections without a lock, in any context: they are an array
 * sorted by address, never changed, replaced by one store of a pointer.
 */
#ifndef CAIRN_KLINE_STORE_H
#define CAIRN_KLINE_STORE_H

#include "kline_port.h"
#include "lines/lines_device.h"
#include "lines/lines_table.h"

struct kline_table {
	struct list_head list;
	struct lines_table lines;
	void *data;
	u64 bytes;
};

struct kline_section {
	unsigned long start, end;
	const struct kline_table *table;
	struct lines_region region;
	const struct module *mod; /* NULL: the kernel's */
	bool is_init;
};

int kline_store_init(void);
void kline_store_deinit(void);

/* Takes a table from user space; 0 or a negative errno, with the reason in `load->reply`. */
int kline_store_load(struct lines_load *load);
void kline_store_unload(void);
void kline_store_status(struct lines_status *ret);

/* The section around an address, or NULL; between rcu_read_lock() and the end of its use. */
const struct kline_section *kline_section_at(unsigned long address);

#endif
