/* SPDX-License-Identifier: MIT */
/* The parts of the text view's page, and what they write with. */
#ifndef CAIRN_VIEW_TEXT_PAGE_H
#define CAIRN_VIEW_TEXT_PAGE_H

#include "view/scene.h"
#include "view/table.h"
#include "view/unit.h"

/* Rows, unless the user says how many. */
enum {
	PAGE_THREADS = 12,
	PAGE_WAITS = 6,
	PAGE_INTERRUPTS = 6,
	PAGE_OTHERS = 3,
	PAGE_LOSSY_CPUS = 8,
	PAGE_TARGETS = 4,
};

enum paint { PAINT_NONE, PAINT_TITLE, PAINT_WARN };

struct page {
	struct scene scene;
	struct text *out;
};

/* Until the next; nothing without colours. */
void page_paint(struct page *p, enum paint paint);

/* A sentence, on as many lines as it needs. */
void page_line(struct page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A blank line and the table; nothing when it has no rows. */
void page_table(struct page *p, const struct table *t);

/* The cells P50, P90, P99 and MAX. */
void page_quantiles(struct table *t, const struct histogram *h);

size_t page_rows(const struct page *p, size_t usual);

void page_threads(struct page *p); /* text_threads.c */
void page_waits(struct page *p);   /* text_waits.c */

#endif
