/* SPDX-License-Identifier: MIT */
/* Any line as one of /proc: what is found lies inside of it, and is what the header promises. */
#include "util/proc.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void inside(const char *text, const char *line, size_t bytes)
{
	if (text < line || text > line + bytes)
		abort();
}

static void restore(char *line, const uint8_t *data, size_t bytes)
{
	memcpy(line, data, bytes);
	line[bytes] = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct proc_map map;
	struct proc_interrupt interrupt;
	struct proc_partition partition;
	struct proc_stat stat;
	char *line = malloc(bytes + 1);
	if (!line)
		return 0;
	restore(line, data, bytes);
	proc_stat_parse(line, &stat);
	if (proc_partition_parse(line, &partition) && !*partition.name)
		abort();
	if (proc_map_parse(line, &map)) {
		inside(map.path, line, bytes);
		if (map.start >= map.end || strchr(map.path, '\n'))
			abort();
	}
	restore(line, data, bytes);
	if (proc_interrupt_parse(line, &interrupt)) {
		inside(interrupt.chip, line, bytes);
		inside(interrupt.action, interrupt.chip, bytes);
		if (interrupt.number < 0 || strchr(interrupt.action, '\n'))
			abort();
	}
	free(line);
	return 0;
}
