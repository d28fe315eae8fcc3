/* SPDX-License-Identifier: MIT */
/*
 * What a trace is, apart from its packets: identity, stream classes, event types, clock,
 * circumstances.
 *
 * The writer names files by it, the metadata spells it out. Whoever records fills it once; what
 * it points to stays the caller's and outlives the writer.
 */
#ifndef CAIRN_CTF_CTF_TRACE_H
#define CAIRN_CTF_CTF_TRACE_H

#include "event/schema.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Streams with the same event types; files are called NAME_CPU, or NAME alone without cpus. Lanes
 * are numbered like cpus, but who writes there may be on any.
 */
struct ctf_stream_class {
	uint32_t id;
	const char *name;
	bool per_cpu; /* else one stream, and its packets' `cpu` and `tid` mean nothing */
	bool is_lane; /* with per_cpu */
};

/* A circumstance: `text`, or `number` when text is NULL. */
struct ctf_fact {
	const char *name;
	const char *text;
	int64_t number;
};

struct ctf_trace {
	uint8_t uuid[16];
	const struct ctf_stream_class *streams;
	size_t stream_count;
	const struct schema *schema;  /* may still grow between two descriptions */
	const struct ctf_fact *facts; /* the `env` block, in this order */
	size_t fact_count;
	struct {
		const char *name;        /* an identifier: "monotonic" */
		const char *description; /* may be NULL */
		uint8_t uuid[16];        /* the boot: traces with the same one share a timeline */
		uint64_t offset_ns;      /* Unix time at the clock's 0 */
		uint64_t error_ns;       /* how far the offset may be wrong */
	} clock;
};

#endif
