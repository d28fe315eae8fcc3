/* SPDX-License-Identifier: MIT */
/* A process's address space as it was a moment ago: what is where, and what is free. */
#ifndef CAIRN_INJECT_INJECT_MAPS_H
#define CAIRN_INJECT_INJECT_MAPS_H

#include "patch/patch_plan.h"
#include "util/array.h"
#include "util/proc.h"
#include "util/text.h"

enum { INJECT_PAGE_BYTES = 4096 };

struct inject_maps {
	ARRAY(struct proc_map) maps; /* in order */
	struct text text;            /* what they point into */
};

int inject_maps_read(pid_t pid, struct inject_maps *ret, struct err *e);
void inject_maps_deinit(struct inject_maps *m);
#define CLEANUP_MAPS __attribute__((cleanup(inject_maps_deinit)))

const struct proc_map *inject_maps_find(const struct inject_maps *m, uint64_t address);

/* Whether a mapping is one that this tool made in another process. */
bool inject_maps_is_ours(const struct proc_map *map);

/*
 * The highest free pages, `bytes` of them, that begin and end within `window` and leave the stack
 * and the heap room to grow. They are taken in `m`, so that the next ones are others.
 */
int inject_maps_take(struct inject_maps *m, struct patch_range window, uint64_t bytes,
		     uint64_t *ret);

/* Those that hold one address, at a distance of `bytes` at most from it. */
int inject_maps_take_at(struct inject_maps *m, uint64_t address, uint64_t bytes,
			struct patch_range *ret);

#endif
