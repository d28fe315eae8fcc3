/* SPDX-License-Identifier: MIT */
/*
 * What a trace's metadata says: its environment, clocks, stream classes and event types.
 *
 * Field names come without the underscore LTTng puts in front of them. All strings and types live
 * in the schema's memory.
 */
#ifndef CAIRN_CTF_CTF_TYPES_H
#define CAIRN_CTF_CTF_TYPES_H

#include "event/schema.h"
#include "util/array.h"
#include "util/map.h"

struct ctf_clock {
	const char *name;
	const char *uuid; /* NULL without one */
	uint64_t freq_hz;
	int64_t offset_s; /* from the Epoch to the clock's zero: this and … */
	int64_t offset_cycles;
};

struct ctf_env {
	const char *name;
	const char *value; /* numbers as they are written */
	bool is_text;
};

/* A stream class: how the packets and events of some files are laid out. */
struct ctf_class {
	uint64_t id;
	struct type *packet_context, *event_header, *event_context; /* NULL when not there */
	struct map events;                                          /* struct event_type * by id */
};

struct ctf_metadata {
	struct schema *schema;
	bool big_endian;
	bool has_uuid;
	uint8_t uuid[16];
	struct type *packet_header;    /* NULL when not there */
	struct ctf_clock clock;        /* the one timestamps are mapped to */
	const struct event_type *lost; /* of losses; made by the reader, not in the metadata */
	ARRAY(struct ctf_env) env;
	ARRAY(struct ctf_class *) classes;
	char *warning; /* a sentence when a part of the text was given up, else NULL */
};

/*
 * Reads metadata as it is in the file: plain text, or LTTng's packets of text. A text that stops
 * inside a declaration is used up to there (`warning`); any other mistake is an error with its
 * line and column.
 */
int ctf_parse(struct ctf_metadata **ret, const void *data, size_t bytes, struct err *e);
void ctf_metadata_destroy(struct ctf_metadata *m);

struct ctf_class *ctf_class_find(const struct ctf_metadata *m, uint64_t id);
const char *ctf_env_find(const struct ctf_metadata *m, const char *name);

/* Clock value to ns. */
static inline uint64_t ctf_clock_ns(const struct ctf_clock *c, uint64_t value)
{
	if (c->freq_hz == 1000000000)
		return value;
	return (uint64_t)((unsigned __int128)value * 1000000000 / c->freq_hz);
}

/* The clock's zero as ns since the Epoch. */
int64_t ctf_clock_epoch_ns(const struct ctf_clock *c);

#endif
