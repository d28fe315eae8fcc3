/* SPDX-License-Identifier: MIT */
/* The program's own file: the table it carries, and where its parts are in memory. */
#ifndef CAIRN_CRASH_CRASH_IMAGE_H
#define CAIRN_CRASH_CRASH_IMAGE_H

#include <cairn/lines.h>

enum { CRASH_MODULES_MAX = 64 };

struct crash_module {
	uint64_t start, end, base;
	const char *path;
};

struct crash_image {
	struct cairn_lines lines;
	uint64_t base; /* address in memory less address as linked */
	struct crash_module modules[CRASH_MODULES_MAX]; /* what was loaded; the program is first */
	unsigned module_count;
};

/* 0, or a negative errno. What it maps stays mapped. */
int crash_image_load(struct crash_image *ret);

#endif
