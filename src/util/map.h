/* SPDX-License-Identifier: MIT */
/*
 * A hash map from a 64-bit key to a pointer (or any 64-bit value).
 *
 * Open addressing with linear probing; grows at 3/4. A map that is all zeros is empty and ready.
 */
#ifndef CAIRN_UTIL_MAP_H
#define CAIRN_UTIL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
	uint64_t key;
	uint64_t value;
	bool used;
};

struct map {
	struct map_slot *slots;
	size_t count;
	size_t capacity; /* power of two */
};

/* The value's place, or NULL; it holds until the next map_put(). */
uint64_t *map_find(const struct map *m, uint64_t key);

/* The place of the key's value, 0 when it is new; NULL without memory. */
uint64_t *map_put(struct map *m, uint64_t key);

void map_remove(struct map *m, uint64_t key);

/* One key of several words. Others may have the same: whoever uses it compares the words. */
uint64_t map_key(const uint64_t *words, size_t count);

void map_deinit(struct map *m);

static inline void *map_find_pointer(const struct map *m, uint64_t key)
{
	uint64_t *value = map_find(m, key);
	return value ? (void *)(uintptr_t)*value : NULL;
}

#define map_each(slot, m)                                                                          \
	for (struct map_slot *slot = (m)->slots; slot && slot < (m)->slots + (m)->capacity;        \
	     slot++)                                                                               \
		if (slot->used)

#endif
