/* SPDX-License-Identifier: MIT */
/*
 * What everything waited for was doing, over time: a log of pieces for each thread, cpu, lock,
 * inbox and work item. A piece either says what time went to, or whose log says it.
 */
#ifndef CAIRN_TESTS_SYNTH_TRUTH_H
#define CAIRN_TESTS_SYNTH_TRUTH_H

#include "synth.h"
#include "util/array.h"
#include "util/map.h"

#include <string.h>

/* Beyond enum synth_truth_kind. */
enum truth_internal {
	TRUTH_FOLLOW = TRUTH_KINDS, /* as the thing `ref` */
	TRUTH_NEXT, /* as whoever ends this piece; not known before truth_resolve() */
};

struct truth_piece {
	uint64_t from_ns; /* to the next piece's */
	uint64_t detail;
	uint32_t kind; /* enum synth_truth_kind, enum truth_internal */
	uint32_t ref;  /* TRUTH_FOLLOW: the thing; TRUTH_QUEUE: the cpu */
};

struct truth_thing {
	int32_t tid; /* of a thread; −1 for all else */
	ARRAY(struct truth_piece) pieces;
};

struct truth {
	bool blind;
	uint64_t end_ns;
	ARRAY(struct truth_thing) things;
	struct map by_tid; /* one more than the thing */
};

/* A new thing; `tid` −1 for one that is no thread. */
uint32_t truth_add(struct truth *t, int32_t tid);

/* From now on this is what it does. */
void truth_set(struct truth *t, uint32_t thing, uint64_t now_ns, struct truth_piece piece);

/* The last piece was TRUTH_NEXT: up to now it was as `ref`. Anything else stays as it is. */
void truth_resolve(struct truth *t, uint32_t thing, uint32_t ref);

/* Down the chain at one time; the answer holds until *end_ns_ret. */
struct synth_truth truth_find(const struct truth *t, int32_t tid, uint64_t at_ns,
			      uint64_t *end_ns_ret);

void truth_deinit(struct truth *t);

/* Memory that a test cannot go on without. */
void synth_need(bool there);

#define SYNTH_PUSH(array, ...) synth_need(!array_push((array), __VA_ARGS__))

#endif
