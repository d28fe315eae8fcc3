/* SPDX-License-Identifier: MIT */
/*
 * `damage_tables TABLE COUNT`: loads damaged copies of a table into the running kernel, check sums
 * repaired, and has a task's stack printed by each that is taken; says how many were.
 */
#include "lines/lines_device.h"
#include "lines/lines_table.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void repair(uint8_t *data, uint32_t bytes)
{
	struct lines_header h;
	memcpy(&h, data, sizeof(h));
	h.sum = 0;
	memcpy(data, &h, sizeof(h));
	h.sum = lines_sum_more(bytes, data, bytes, 0);
	memcpy(data, &h, sizeof(h));
}

/* Of the header only what says where parts are; anything behind it, mostly in few bytes. */
static void damage(uint8_t *data, uint32_t bytes)
{
	uint32_t from = rand() % 4 ? sizeof(struct lines_header) : 24;
	uint32_t room = rand() % 2 ? bytes - from : 4096;
	for (int flips = 1 + rand() % 64; flips; flips--)
		data[from + (uint32_t)rand() % room] = (uint8_t)rand();
}

int main(int argc, char **argv)
{
	int device = open("/dev/" LINES_DEVICE_NAME, O_RDWR), taken = 0;
	int stack = open("/sys/kernel/debug/cairn/backtrace", O_WRONLY);
	FILE *file = argc == 3 ? fopen(argv[1], "r") : NULL;
	uint8_t *table = malloc(1 << 22), *copy = malloc(1 << 22);
	if (device < 0 || stack < 0 || !file || !table || !copy)
		return 1;
	uint32_t bytes = (uint32_t)fread(table, 1, 1 << 22, file);
	for (int i = 0; i < atoi(argv[2]); i++) {
		memcpy(copy, table, bytes);
		damage(copy, bytes);
		repair(copy, bytes);
		struct lines_load load = {.data = (uintptr_t)copy, .bytes = bytes};
		if (ioctl(device, LINES_DEVICE_LOAD, &load))
			continue;
		taken += write(stack, "2", 1) == 1;
		ioctl(device, LINES_DEVICE_UNLOAD);
	}
	printf("%d of %s damaged tables were taken\n", taken, argv[2]);
	return 0;
}
