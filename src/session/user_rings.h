/* SPDX-License-Identifier: MIT */
/*
 * The rings that marked programs write into, from the tool's side: made, read, put on the trace's
 * clock, taken away.
 *
 * Programs stamp with the time-stamp counter. Before each reading the counter is compared with the
 * trace's clock once more, so that every event read lies between two such moments.
 */
#ifndef CAIRN_SESSION_USER_RINGS_H
#define CAIRN_SESSION_USER_RINGS_H

#include "event/schema.h"
#include "packet/packet.h"
#include "util/text.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

enum { USER_PATH_BYTES = 64, USER_LANES = 8 };

/* Stream classes, beside the recorder's. */
struct user_streams {
	uint32_t cpu, lane;
};

struct user_options {
	const char *name;            /* of the recording, as its registry entry's */
	const struct text *patterns; /* ring/ring_share.h: a level's byte, a glob, a NUL, … */
	bool overwrite;
	size_t ring_bytes; /* of one cpu */
	uint8_t uuid[16];
	struct user_streams streams;
};

struct user_totals {
	uint64_t events; /* given to the sink, since the last snapshot began */
	uint64_t lost;
	uint64_t refused;        /* packets that said nonsense, or not to their end */
	uint64_t clock_error_ns; /* no event's time is further off */
	uint64_t frozen_ns;      /* how long writers were kept from new sub-buffers */
};

struct user_rings;

/* Where the rings of a recording are: what programs find in CAIRN_SESSION. */
int user_rings_path(char ret[USER_PATH_BYTES], const char *name, struct err *e);

int user_rings_create(struct user_rings **ret, const struct user_options *options, struct err *e);

/* Those of a recording whose tool is dead; -ENOENT when it had none. */
int user_rings_open(struct user_rings **ret, const char *name, struct err *e);

/* The recording is over for who still writes; the file goes, its memory too. */
void user_rings_close(struct user_rings *u);

/* Without what programs describe: the type that says whose events follow. */
int user_schema(struct schema *schema, const struct user_streams *streams, struct err *e);

/* Where the rings have come to, and the clock at that moment: before a drain. */
void user_rings_look(struct user_rings *u);

/*
 * Adds the types of events that programs have described since the last call; `*added_ret` says
 * how many. What lay in the rings at user_rings_look() is described by then.
 */
int user_rings_learn(struct user_rings *u, struct schema *schema, size_t *added_ret, struct err *e);

/* Whole packets since the last drain, up to the last look; `all` gives the open ones too. */
int user_rings_drain(struct user_rings *u, const struct schema *schema, bool all, packet_sink sink,
		     void *context, struct err *e);

/* All the rings hold. Writers stop at their sub-buffers' ends while it copies. */
int user_rings_snapshot(struct user_rings *u, struct schema *schema, packet_sink sink,
			void *context, struct err *e);

/* Keeps the clock; about once a second. */
void user_rings_anchor(struct user_rings *u);

void user_rings_totals(const struct user_rings *u, struct user_totals *ret);

struct ring_share *user_rings_share(struct user_rings *u);
/* Whether a marker asked for a snapshot since the last call. */
bool user_rings_triggered(struct user_rings *u);
const char *user_rings_file(const struct user_rings *u);

#endif
