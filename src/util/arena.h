/* SPDX-License-Identifier: MIT */
/*
 * Memory that goes all at once: what a parse, a schema or an analysis builds and never changes.
 */
#ifndef CAIRN_UTIL_ARENA_H
#define CAIRN_UTIL_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_create(void); /* NULL without memory */
void arena_destroy(struct arena *a);

/* Zeroed bytes, aligned for anything; NULL without memory. */
void *arena_alloc(struct arena *a, size_t bytes);

/* A NUL-terminated copy of `bytes` bytes; NULL without memory. */
char *arena_copy(struct arena *a, const char *data, size_t bytes);

#endif
