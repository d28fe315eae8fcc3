/* SPDX-License-Identifier: MIT */
/*
 * Named analyses over one pass of a trace.
 *
 * An analysis is a state and four functions; it says which kinds of events it wants and which
 * other analyses it builds on. A run adds what is needed, shows every event to all of them in the
 * order of their needs, and leaves their states in a story, from which views take what they show:
 *
 *	const struct waits *waits = story_state(story, &analysis_waits);
 *
 * States live as long as the story. No analysis may fail on what an event says; the only failure
 * is -ENOMEM. docs/HOWTO_ADD_ANALYSIS.md shows the making of one.
 */
#ifndef CAIRN_ANALYSIS_ANALYSIS_H
#define CAIRN_ANALYSIS_ANALYSIS_H

#include "event/source.h"

struct story;

#define KIND(name) ((uint64_t)1 << EVENT_##name)
_Static_assert(EVENT_KINDS <= 64, "a set of event kinds is one word");

struct analysis {
	const char *name;
	uint64_t kinds; /* KIND(…)s it wants to see */
	size_t state_bytes;
	const struct analysis *const *needs; /* ends with NULL; NULL without any */
	/* The state is all zeros before start(); each of these may be NULL. */
	int (*start)(void *state, struct story *story);
	int (*event)(void *state, const struct event *e);
	int (*finish)(void *state); /* the story's window is known */
	void (*release)(void *state);
};

enum { STORY_ANALYSES_MAX = 32 };

/* What an analysis left, and when the recording was. */
struct story {
	uint64_t begin_ns, end_ns; /* first and last event but those of the state dump */
	uint64_t events;           /* of the trace; the state dump is none */
	bool begun;
	size_t count;
	struct {
		const struct analysis *analysis;
		void *state;
	} members[STORY_ANALYSES_MAX];
};

/*
 * Reads the source to its end with these analyses (`wanted` ends with NULL). A damaged source
 * still leaves a story of what came before: *ret is set, and the error returned.
 */
int analysis_run(struct source *source, const struct analysis *const *wanted, struct story **ret,
		 struct err *e);

/* The state of an analysis, NULL when it did not take part. */
void *story_state(const struct story *s, const struct analysis *a);
void story_destroy(struct story *s);

/* All there are, ends with NULL: found by name, and what the report runs. */
extern const struct analysis *const analysis_all[];

extern const struct analysis analysis_threads, analysis_sites, analysis_inventory, analysis_losses,
	analysis_causes, analysis_disks, analysis_states, analysis_history, analysis_waits,
	analysis_latency, analysis_interrupts, analysis_cpu_time, analysis_cost;

#endif
