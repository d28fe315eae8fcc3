/* SPDX-License-Identifier: MIT */
#include "session/facts.h"

#include "util/now.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

void facts_init(struct facts *f)
{
	*f = (struct facts){0};
	time_t now = time(NULL);
	struct tm tm;
	strftime(f->created, sizeof(f->created), "%Y-%m-%dT%H:%M:%S%z", localtime_r(&now, &tm));
	uname(&f->machine);
	facts_add_text(f, "hostname", f->machine.nodename);
	facts_add_text(f, "domain", "kernel");
	facts_add_text(f, "sysname", f->machine.sysname);
	facts_add_text(f, "kernel_release", f->machine.release);
	facts_add_text(f, "kernel_version", f->machine.version);
	facts_add_text(f, "architecture", f->machine.machine);
	facts_add_text(f, "trace_creation_datetime", f->created);
	facts_add_text(f, "tracer_name", "cairn");
	int major = 0, minor = 0;
	if (sscanf(CAIRN_VERSION, "%d.%d", &major, &minor) == 2) {
		facts_add_number(f, "tracer_major", major);
		facts_add_number(f, "tracer_minor", minor);
	}
}

void facts_add_text(struct facts *f, const char *name, const char *text)
{
	if (f->count < FACTS_MAX && text)
		f->items[f->count++] = (struct ctf_fact){.name = name, .text = text};
}

void facts_add_number(struct facts *f, const char *name, int64_t number)
{
	if (f->count < FACTS_MAX)
		f->items[f->count++] = (struct ctf_fact){.name = name, .number = number};
}

void facts_uuid(uint8_t ret[16])
{
	if (getrandom(ret, 16, 0) != 16)
		memset(ret, 0, 16);
	ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x40); /* version 4, variant 1 */
	ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80);
}

void facts_boot_uuid(uint8_t ret[16])
{
	memset(ret, 0, 16);
	FILE *in = fopen("/proc/sys/kernel/random/boot_id", "re");
	for (int i = 0; in && i < 16; i++) {
		unsigned byte;
		if (fscanf(in, "%*[-]") < 0 || fscanf(in, "%2x", &byte) != 1)
			break;
		ret[i] = (uint8_t)byte;
	}
	if (in)
		fclose(in);
}

void facts_clock(struct ctf_trace *trace)
{
	trace->clock.name = "monotonic";
	trace->clock.description = "CLOCK_MONOTONIC";
	facts_boot_uuid(trace->clock.uuid);
	uint64_t window_ns = UINT64_MAX;
	for (int i = 0; i < 16; i++) {
		uint64_t before = now_monotonic_ns();
		uint64_t real = now_clock_ns(CLOCK_REALTIME);
		uint64_t after = now_monotonic_ns();
		if (after - before >= window_ns)
			continue;
		window_ns = after - before;
		trace->clock.offset_ns = real - (before + window_ns / 2);
		trace->clock.error_ns = window_ns / 2 + 1;
	}
}
