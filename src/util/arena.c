/* SPDX-License-Identifier: MIT */
#include "util/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_ALIGN = 16, ARENA_CHUNK_BYTES = 16 << 10 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, bytes;
	_Alignas(ARENA_ALIGN) uint8_t data[];
};

struct arena {
	struct arena_chunk *chunks; /* the first one is being filled */
};

struct arena *arena_create(void)
{
	return calloc(1, sizeof(struct arena));
}

void arena_destroy(struct arena *a)
{
	if (!a)
		return;
	while (a->chunks) {
		struct arena_chunk *chunk = a->chunks;
		a->chunks = chunk->next;
		free(chunk);
	}
	free(a);
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	if (bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	struct arena_chunk *chunk = a->chunks;
	if (!chunk || chunk->bytes - chunk->used < bytes) {
		size_t room = bytes > ARENA_CHUNK_BYTES ? bytes : ARENA_CHUNK_BYTES;
		chunk = calloc(1, sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		chunk->bytes = room;
		chunk->next = a->chunks;
		a->chunks = chunk;
	}
	void *start = chunk->data + chunk->used;
	chunk->used += bytes;
	return start;
}

char *arena_copy(struct arena *a, const char *data, size_t bytes)
{
	char *copy = bytes < SIZE_MAX ? arena_alloc(a, bytes + 1) : NULL;
	if (copy)
		memcpy(copy, data, bytes);
	return copy;
}
