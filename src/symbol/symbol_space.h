/* SPDX-License-Identifier: MIT */
/*
 * Address spaces over time: which file was mapped where, in which process, when.
 *
 * A process's life is cut into images by fork and exec. A map belongs to the image of its time;
 * the maps of an image are known from the moment somebody looked, so an address that comes before
 * that look takes the earliest later map of the same image. A forked child without maps of its own
 * has its parent's.
 */
#ifndef CAIRN_SYMBOL_SYMBOL_SPACE_H
#define CAIRN_SYMBOL_SYMBOL_SPACE_H

#include "util/array.h"
#include "util/map.h"

struct symbol_module;

struct space_map {
	uint64_t time_ns;
	uint64_t start, end, offset;
	struct symbol_module *module;
};

struct space_image {
	uint64_t time_ns;
	int32_t parent; /* of a fork, else −1 */
};

struct space_process {
	ARRAY(struct space_map) maps;
	ARRAY(struct space_image) images;
	bool is_sorted;
};

struct symbol_space {
	struct map processes; /* pid → struct space_process */
};

/* 0 or −ENOMEM. */
int space_add_map(struct symbol_space *s, int32_t pid, const struct space_map *map);
int space_add_image(struct symbol_space *s, int32_t pid, uint64_t time_ns, int32_t parent);
const struct space_map *space_find(struct symbol_space *s, int32_t pid, uint64_t time_ns,
				   uint64_t address);
void space_deinit(struct symbol_space *s);

#endif
