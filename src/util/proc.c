/* SPDX-License-Identifier: MIT */
#include "util/proc.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAG_KERNEL_THREAD = 0x00200000, MINOR_BITS = 20 };

bool proc_map_parse(char *line, struct proc_map *ret)
{
	struct proc_map map;
	char access[5];
	int path_at = 0;
	line[strcspn(line, "\n")] = 0;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &map.start,
		   &map.end, access, &map.offset, &map.major, &map.minor, &map.inode,
		   &path_at) != 7 ||
	    strlen(access) != 4 || map.start >= map.end)
		return false;
	map.executable = access[2] == 'x';
	map.path = line + path_at;
	*ret = map;
	return true;
}

/* Behind the last two blanks: a handler's name may hold a blank, the chip's part may hold two. */
static char *last_column(char *text)
{
	char *column = text;
	for (char *at = text; (at = strstr(at, "  ")); column = at)
		at += strspn(at, " ");
	return column;
}

/*
 * " 24:  0  12  PCI-MSI 5-edge      eth0, usb1": a count for each cpu, the chip's part padded to
 * its column, two blanks, handlers.
 */
bool proc_interrupt_parse(char *line, struct proc_interrupt *ret)
{
	char *end;
	char *text = line + strspn(line, " ");
	if (!isdigit((unsigned char)*text))
		return false;
	long number = strtol(text, &end, 10);
	if (*end != ':' || number > INT32_MAX)
		return false;
	text = end + 1;
	text += strspn(text, " 0123456789");
	text[strcspn(text, "\n")] = 0;
	char *action = last_column(text);
	*ret = (struct proc_interrupt){.number = (int)number, .chip = text, .action = action};
	while (action > text && action[-1] == ' ')
		*--action = 0;
	return true;
}

bool proc_partition_parse(const char *line, struct proc_partition *ret)
{
	struct proc_partition partition;
	unsigned major, minor;
	if (sscanf(line, " %u %u %*u %63s", &major, &minor, partition.name) != 3 ||
	    major >> (32 - MINOR_BITS) || minor >> MINOR_BITS)
		return false;
	partition.device = major << MINOR_BITS | minor;
	*ret = partition;
	return true;
}

/* "pid (comm) S ppid … flags": the name may hold anything, so from the last parenthesis. */
bool proc_stat_parse(const char *line, struct proc_stat *ret)
{
	int parent;
	unsigned flags;
	const char *rest = strrchr(line, ')');
	if (!rest || sscanf(rest + 1, " %*c %d %*d %*d %*d %*d %u", &parent, &flags) != 2)
		return false;
	*ret = (struct proc_stat){.parent = parent, .is_kernel = flags & FLAG_KERNEL_THREAD};
	return true;
}
