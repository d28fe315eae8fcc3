/* SPDX-License-Identifier: MIT */
/*
 * How to take probes out again, and whose they are: at the start of each mapping with trampolines,
 * and of one beside whatever else was mapped. The process cannot write it.
 */
#ifndef CAIRN_INJECT_INJECT_RECORD_H
#define CAIRN_INJECT_INJECT_RECORD_H

#include "patch/patch_site.h"

#define INJECT_RECORD_MAGIC 0x65626f72706e7263ull /* "crnprobe" */

enum { INJECT_RECORD_VERSION = 1 };

struct inject_record {
	uint64_t magic;
	uint32_t version;
	uint32_t site_count;
	int64_t tool;          /* its pid, */
	uint64_t tool_started; /* and when it began, in ticks since boot */
};

/* Follow the record. */
struct inject_record_site {
	uint64_t address;
	uint8_t bytes;
	uint8_t original[5], written[5];
	uint8_t spare[5];
};

_Static_assert(sizeof(struct inject_record) == 32, "another version reads it");
_Static_assert(sizeof(struct inject_record_site) == 24, "another version reads it");

#endif
