/* SPDX-License-Identifier: MIT */
#include "synth_truth.h"

#include <string.h>

enum { TRUTH_CHAIN_MAX = 4096 };

void synth_need(bool there)
{
	if (!there)
		abort();
}

uint32_t truth_add(struct truth *t, int32_t tid)
{
	struct truth_thing *thing = array_add(&t->things);
	uint32_t index = (uint32_t)(t->things.count - 1);
	synth_need(thing);
	thing->tid = tid;
	if (tid >= 0) {
		uint64_t *place = map_put(&t->by_tid, (uint32_t)tid);
		synth_need(place);
		*place = index + 1;
	}
	return index;
}

void truth_set(struct truth *t, uint32_t thing, uint64_t now_ns, struct truth_piece piece)
{
	struct truth_thing *of = &t->things.items[thing];
	struct truth_piece *last =
		of->pieces.count ? &of->pieces.items[of->pieces.count - 1] : NULL;
	if (t->blind)
		return;
	piece.from_ns = now_ns;
	if (last && last->from_ns == now_ns)
		*last = piece;
	else
		SYNTH_PUSH(&of->pieces, piece);
}

void truth_resolve(struct truth *t, uint32_t thing, uint32_t ref)
{
	struct truth_thing *of = &t->things.items[thing];
	struct truth_piece *last =
		of->pieces.count ? &of->pieces.items[of->pieces.count - 1] : NULL;
	if (last && last->kind == TRUTH_NEXT) {
		last->kind = TRUTH_FOLLOW;
		last->ref = ref;
	}
}

void truth_deinit(struct truth *t)
{
	array_each(thing, &t->things)
		array_free(&thing->pieces);
	array_free(&t->things);
	map_deinit(&t->by_tid);
}

/* The number of pieces that have begun at this time. */
static size_t pieces_begun(const struct truth_thing *thing, uint64_t at_ns)
{
	size_t low = 0, high = thing->pieces.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (thing->pieces.items[middle].from_ns > at_ns)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* What the thing does at this time, NULL before its first piece; *end_ns shrinks to its end. */
static const struct truth_piece *piece_at(const struct truth_thing *thing, uint64_t at_ns,
					  uint64_t *end_ns)
{
	size_t begun = pieces_begun(thing, at_ns);
	if (begun < thing->pieces.count && thing->pieces.items[begun].from_ns < *end_ns)
		*end_ns = thing->pieces.items[begun].from_ns;
	return begun ? &thing->pieces.items[begun - 1] : NULL;
}

struct synth_truth truth_find(const struct truth *t, int32_t tid, uint64_t at_ns,
			      uint64_t *end_ns_ret)
{
	struct synth_truth found = {.kind = TRUTH_UNBORN, .tid = tid};
	uint64_t *index = map_find(&t->by_tid, (uint32_t)tid);
	uint64_t end_ns = t->end_ns;
	uint32_t ref = index ? (uint32_t)*index - 1 : 0;
	*end_ns_ret = end_ns;
	for (int depth = 0; index && depth < TRUTH_CHAIN_MAX; depth++) {
		const struct truth_thing *thing = &t->things.items[ref];
		const struct truth_piece *piece = piece_at(thing, at_ns, &end_ns);
		*end_ns_ret = end_ns;
		if (thing->tid >= 0)
			found.tid = thing->tid;
		if (!piece) {
			found.kind = TRUTH_UNBORN;
			return found;
		}
		ref = piece->ref;
		if (piece->kind == TRUTH_FOLLOW)
			continue;
		found.kind =
			piece->kind == TRUTH_NEXT ? TRUTH_OPEN : (enum synth_truth_kind)piece->kind;
		found.detail = piece->detail;
		if (piece->kind == TRUTH_QUEUE) {
			piece = piece_at(&t->things.items[ref], at_ns, &end_ns);
			found.detail = piece ? piece->detail : 0;
			*end_ns_ret = end_ns;
		}
		return found;
	}
	synth_need(!index); /* nobody waits for himself */
	return found;
}
