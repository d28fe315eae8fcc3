/* SPDX-License-Identifier: MIT */
#include "symbol/symbol_space.h"

#include <stdlib.h>
#include <string.h>

enum { SPACE_FORKS_MAX = 64 };

static struct space_process *process_of(struct symbol_space *s, int32_t pid)
{
	uint64_t *place = map_put(&s->processes, (uint32_t)pid);
	if (place && !*place)
		*place = (uintptr_t)calloc(1, sizeof(struct space_process));
	struct space_process *process = place ? (struct space_process *)(uintptr_t)*place : NULL;
	if (process)
		process->is_sorted = false;
	return process;
}

int space_add_map(struct symbol_space *s, int32_t pid, const struct space_map *map)
{
	struct space_process *process = process_of(s, pid);
	return process ? array_push(&process->maps, *map) : -ENOMEM;
}

int space_add_image(struct symbol_space *s, int32_t pid, uint64_t time_ns, int32_t parent)
{
	struct space_process *process = process_of(s, pid);
	return process ? array_push(&process->images, (struct space_image){time_ns, parent})
		       : -ENOMEM;
}

static int map_order(const void *left, const void *right)
{
	const struct space_map *a = left, *b = right;
	return a->time_ns < b->time_ns ? -1 : a->time_ns > b->time_ns;
}

static int image_order(const void *left, const void *right)
{
	const struct space_image *a = left, *b = right;
	return a->time_ns < b->time_ns ? -1 : a->time_ns > b->time_ns;
}

static void process_sort(struct space_process *p)
{
	if (p->is_sorted)
		return;
	p->is_sorted = true;
	if (p->maps.count)
		qsort(p->maps.items, p->maps.count, sizeof(*p->maps.items), map_order);
	if (p->images.count)
		qsort(p->images.items, p->images.count, sizeof(*p->images.items), image_order);
}

/* In [begin, end): the last one that was known at the time, else the first one known after. */
static const struct space_map *map_within(struct space_process *p, uint64_t begin_ns,
					  uint64_t end_ns, uint64_t time_ns, uint64_t address)
{
	const struct space_map *known = NULL;
	array_each(map, &p->maps) {
		if (map->time_ns < begin_ns || map->time_ns >= end_ns || address < map->start ||
		    address >= map->end)
			continue;
		if (map->time_ns > time_ns)
			return known ? known : map;
		known = map;
	}
	return known;
}

const struct space_map *space_find(struct symbol_space *s, int32_t pid, uint64_t time_ns,
				   uint64_t address)
{
	for (int forks = 0; forks < SPACE_FORKS_MAX && pid >= 0; forks++) {
		struct space_process *process = map_find_pointer(&s->processes, (uint32_t)pid);
		if (!process)
			return NULL;
		process_sort(process);
		struct space_image image = {.time_ns = 0, .parent = -1};
		uint64_t end_ns = UINT64_MAX;
		array_each(next, &process->images) {
			if (next->time_ns > time_ns) {
				end_ns = next->time_ns;
				break;
			}
			image = *next;
		}
		const struct space_map *found =
			map_within(process, image.time_ns, end_ns, time_ns, address);
		if (found)
			return found;
		pid = image.parent;
		time_ns = image.time_ns;
	}
	return NULL;
}

void space_deinit(struct symbol_space *s)
{
	map_each(slot, &s->processes) {
		struct space_process *process = (struct space_process *)(uintptr_t)slot->value;
		if (!process)
			continue;
		array_free(&process->maps);
		array_free(&process->images);
		free(process);
	}
	map_deinit(&s->processes);
}
