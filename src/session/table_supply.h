/* SPDX-License-Identifier: MIT */
/* Unwind tables for the recorder: from this user's cache, or made and put there. */
#ifndef CAIRN_SESSION_TABLE_SUPPLY_H
#define CAIRN_SESSION_TABLE_SUPPLY_H

#include "kernel/stack_source.h"

/*
 * The cache is $XDG_CACHE_HOME/cairn; where that is not set ~/.cache/cairn; where the home is
 * somebody else's, root's is /var/cache/cairn. Without any, every table is made. It must outlive
 * the recording.
 */
struct table_supply {
	struct stack_source source;
	struct unwind_cache *cache;
};

void table_supply_open(struct table_supply *t);
void table_supply_close(struct table_supply *t);

#endif
