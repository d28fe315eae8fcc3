/* SPDX-License-Identifier: MIT */
#include "util/map.h"

#include <stdlib.h>

static size_t map_home(const struct map *m, uint64_t key)
{
	key ^= key >> 32;
	key *= 0x9e3779b97f4a7c15u;
	return (size_t)(key >> 20) & (m->capacity - 1);
}

static struct map_slot *map_slot(const struct map *m, uint64_t key)
{
	size_t i = map_home(m, key);
	while (m->slots[i].used && m->slots[i].key != key)
		i = (i + 1) & (m->capacity - 1);
	return &m->slots[i];
}

uint64_t *map_find(const struct map *m, uint64_t key)
{
	if (!m->count)
		return NULL;
	struct map_slot *slot = map_slot(m, key);
	return slot->used ? &slot->value : NULL;
}

static bool map_grow(struct map *m)
{
	struct map grown = {.capacity = m->capacity ? m->capacity * 2 : 16, .count = m->count};
	grown.slots = calloc(grown.capacity, sizeof(*grown.slots));
	if (!grown.slots)
		return false;
	map_each(slot, m)
		*map_slot(&grown, slot->key) = *slot;
	free(m->slots);
	*m = grown;
	return true;
}

uint64_t *map_put(struct map *m, uint64_t key)
{
	if (m->count * 4 >= m->capacity * 3 && !map_grow(m))
		return NULL;
	struct map_slot *slot = map_slot(m, key);
	if (!slot->used) {
		*slot = (struct map_slot){.key = key, .used = true};
		m->count++;
	}
	return &slot->value;
}

void map_remove(struct map *m, uint64_t key)
{
	if (!m->count)
		return;
	struct map_slot *slot = map_slot(m, key);
	if (!slot->used)
		return;
	slot->used = false;
	m->count--;
	/* Whoever probed past the hole must be found from its home again. */
	size_t i = (size_t)(slot - m->slots);
	for (i = (i + 1) & (m->capacity - 1); m->slots[i].used; i = (i + 1) & (m->capacity - 1)) {
		struct map_slot moved = m->slots[i];
		m->slots[i].used = false;
		*map_slot(m, moved.key) = moved;
	}
}

void map_deinit(struct map *m)
{
	free(m->slots);
	*m = (struct map){0};
}

uint64_t map_key(const uint64_t *words, size_t count)
{
	uint64_t key = 0;
	for (size_t i = 0; i < count; i++) {
		key = (key ^ words[i]) * 0x9e3779b97f4a7c15u;
		key ^= key >> 29;
	}
	return key;
}
