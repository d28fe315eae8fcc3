/* SPDX-License-Identifier: MIT */
/*
 * One recording, from the first rung that opens to the trace on disk.
 *
 * Streaming: sealed packets go to the trace as they come. Flight recorder: rings wrap in memory,
 * a snapshot writes what they hold. Either way the state dump (who lives, what is mapped where)
 * is kept outside the rings and goes into every trace.
 */
#ifndef CAIRN_SESSION_SESSION_H
#define CAIRN_SESSION_SESSION_H

#include "ctf/ctf_trace.h"
#include "session/selection.h"

#include <signal.h>

/* Of every trace. */
enum session_stream {
	SESSION_STREAM_USER = RECORDER_STREAMS, /* markers, by cpu */
	SESSION_STREAM_LANE,                    /* of threads without restartable sequences */
	SESSION_STREAMS,
};

extern const struct ctf_stream_class session_streams[SESSION_STREAMS];

struct session_options {
	const char *path;     /* of the trace */
	bool fresh_path;      /* PATH-2, PATH-3, … when there is a trace already */
	bool flight;          /* keep the last events in memory, write snapshots */
	size_t ring_bytes;    /* of one cpu */
	bool only_targets;    /* leave out what concerns none of the targets */
	bool stacks;          /* user stacks, not only the innermost address */
	const char *rung;     /* NULL: the highest that opens */
	const char *command;  /* as typed, for the trace's facts; may be NULL */
	const pid_t *targets; /* processes; their children are theirs */
	size_t target_count;
	bool attach;                 /* the targets run already: markers are switched in them */
	struct selection *selection; /* unresolved; the session resolves it */
};

struct session_totals {
	const char *rung;
	const char *rung_reasons; /* why no higher one; "" when it is the highest */
	uint64_t wall_ns;
	uint64_t tool_cpu_ns;   /* of the tool, since session_start() */
	uint64_t probe_ns;      /* in the recorder's probes: estimated from a sample of them */
	uint64_t events;        /* in the last trace; 0 when it is too large to count */
	uint64_t lost;          /* events */
	uint64_t misses;        /* events the kernel itself kept from the recorder */
	uint64_t trace_bytes;   /* on disk */
	uint64_t lost_on_disk;  /* events that did not get into the trace; not in `lost` */
	uint64_t marker_events; /* in the last trace; in `events` too */
	uint64_t marker_clock_error_ns; /* no marker's time is further off */
	uint32_t cpus;
	struct err disk_trouble; /* code 0 without any */
};

struct session;

/* Before a command is forked: what it must find in its environment. */
int session_environment(const struct selection *selection, struct err *e);

/* Everything up to the first event: rung opened, types known, trace directory made. */
int session_open(struct session **ret, const struct session_options *options, struct err *e);
int session_start(struct session *s, struct err *e);

/*
 * Moves packets, keeps the state up to date. `*wait_ms_ret` says when to come again: sooner when
 * events come fast, so that what a kill of the tool would lose stays about a sub-buffer a cpu.
 */
int session_step(struct session *s, int *wait_ms_ret, struct err *e);

/* Writes what the rings hold now into a new trace at `path`; flight recorder only. */
int session_snapshot(struct session *s, const char *path, struct text *path_ret, struct err *e);

/* Whether a marker named by selection_trigger() was passed since the last call. */
bool session_triggered(struct session *s);

/*
 * The end: the last packets, the state, the totals. A flight recorder writes a last snapshot if
 * `keep` says so.
 */
int session_stop(struct session *s, bool keep, struct err *e);

void session_totals(struct session *s, struct session_totals *ret);
const char *session_path(const struct session *s); /* of the last trace written */

/* Stops if need be and leaves nothing in the kernel. */
void session_close(struct session *s);

#endif
