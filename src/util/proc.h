/* SPDX-License-Identifier: MIT */
/*
 * Lines of /proc, as what they say. Names in them are chosen by whoever runs programs and loads
 * drivers: any bytes may come. A line that says nothing of the kind asked for is false.
 */
#ifndef CAIRN_UTIL_PROC_H
#define CAIRN_UTIL_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Of /proc/PID/maps. What is found in a line points into it. */
struct proc_map {
	uint64_t start, end; /* start < end */
	uint64_t offset, inode;
	unsigned major, minor;
	bool executable;
	const char *path; /* "" of anonymous memory */
};

bool proc_map_parse(char *line, struct proc_map *ret);

/* Of /proc/interrupts: the numbered ones only, not the architecture's own ("LOC:"). */
struct proc_interrupt {
	int number;
	const char *chip;   /* with the chip's name for the line: "PCI-MSI 524288-edge" */
	const char *action; /* its handlers, "a, b" when there are several; "" of none */
};

/* `line` is changed. */
bool proc_interrupt_parse(char *line, struct proc_interrupt *ret);

/* Of /proc/partitions. */
struct proc_partition {
	uint32_t device; /* as the kernel counts: major << 20 | minor */
	char name[64];
};

bool proc_partition_parse(const char *line, struct proc_partition *ret);

/* Of /proc/PID/stat. */
struct proc_stat {
	pid_t parent;
	bool is_kernel;
};

bool proc_stat_parse(const char *line, struct proc_stat *ret);

#endif
