/* SPDX-License-Identifier: MIT */
/* What the machine's interrupts and disks are called. */
#include "session/state.h"
#include "util/cleanup.h"
#include "util/proc.h"

#include <stdio.h>
#include <stdlib.h>

static int write_interrupt(struct packet *out, char *line, uint64_t now_ns, struct err *e)
{
	struct proc_interrupt irq;
	if (!proc_interrupt_parse(line, &irq))
		return 0;
	return state_write_irq(out, irq.number, irq.chip, irq.action, now_ns, e);
}

static int write_partition(struct packet *out, char *line, uint64_t now_ns, struct err *e)
{
	struct proc_partition disk;
	if (!proc_partition_parse(line, &disk))
		return 0;
	return state_write_disk(out, disk.device, disk.name, now_ns, e);
}

static int write_lines(const char *path,
		       int (*write_line)(struct packet *, char *, uint64_t, struct err *),
		       struct packet *out, uint64_t now_ns, struct err *e)
{
	CLEANUP(stream) FILE *in = fopen(path, "re");
	CLEANUP(free) char *line = NULL;
	size_t bytes = 0;
	int status = 0;
	while (in && status == 0 && getline(&line, &bytes, in) > 0)
		status = write_line(out, line, now_ns, e);
	return status;
}

int state_write_machine(struct packet *out, uint64_t now_ns, struct err *e)
{
	int status = write_lines("/proc/interrupts", write_interrupt, out, now_ns, e);
	if (status == 0)
		status = write_lines("/proc/partitions", write_partition, out, now_ns, e);
	return status;
}
