/* SPDX-License-Identifier: MIT */
/* What a person calls the lines of a tally, and who is to blame. */
#ifndef CAIRN_VIEW_WORDS_TALLY_H
#define CAIRN_VIEW_WORDS_TALLY_H

#include "analysis/blame.h"
#include "view/words.h"

/*
 * With its place: "fsync shop.journal at checkout.c:60 journal_sync < commit_order", "for worker-2,
 * which held the lock until checkout.c:47 unlock_stock", "disk vda: write, 3 requests".
 */
void words_tally(const struct scene *s, const struct tally *line, struct text *out);

/* "worker-1", "disk vda", "interrupt 36". */
void words_blamed(const struct scene *s, const struct blame *b, struct text *out);

/* "ran", "had the cpu", "write of 4 kB", "slept by choice". */
void words_deed(const struct scene *s, const struct blame *b, struct text *out);

void words_blame_place(const struct scene *s, const struct blame *b, struct text *out);

#endif
