/* SPDX-License-Identifier: MIT */
/*
 * Finished unwind tables on disk, so that a file is read once and not once a recording.
 *
 * A table is known by its file's build-id and by who owns the file: whoever gives a file of his
 * another's build-id spoils only his own tables. Files without a build-id are not kept. A kept
 * table is believed only when its check sum is right, it is sound and it names the same build-id;
 * whatever is wrong with the cache, the table is built.
 *
 * Several recorders may use one directory. find and build may run in two threads.
 */
#ifndef CAIRN_LINEINFO_UNWIND_CACHE_H
#define CAIRN_LINEINFO_UNWIND_CACHE_H

#include "unwind/unwind_walk.h"
#include "util/err.h"

#include <stdint.h>

struct unwind_cache;

/*
 * The directory is made if need be (its parent must exist), for its owner alone. It must belong
 * to who runs this, and to nobody else's writing. `max_bytes`: above it, those used longest ago
 * make room.
 */
int unwind_cache_open(struct unwind_cache **ret, const char *path, uint64_t max_bytes,
		      struct err *e);
void unwind_cache_close(struct unwind_cache *c);

/* The file's table, if it was kept. `cache` is a struct unwind_cache, or NULL. */
bool unwind_cache_find(void *cache, struct unwind_image *ret, int fd);

/* As unwind_build_file(), and keeps the table. */
int unwind_cache_build(void *cache, struct unwind_image *ret, int fd, const char *name,
		       struct err *e);

#endif
