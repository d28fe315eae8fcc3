/* SPDX-License-Identifier: MIT */
/*
 * The chain model: which inlined functions a row lies in, row by row of the same block.
 *
 * A chain changes by frames that end and frames that begin. It is a stream of its own, predicted
 * by the rows, which a look-up without chains never touches. For both directions, as lines_row.h.
 */
#ifndef CAIRN_LINES_LINES_CHAIN_H
#define CAIRN_LINES_LINES_CHAIN_H

#include "lines/lines_row.h"

enum { LINES_DEPTH_MAX = 16, LINES_CALLS_KEPT = 32, LINES_FUNCTION_BITS = 20 };

/* An inlined function, and the place it was called from. */
struct lines_call {
	uint32_t function;
	struct lines_site from;
};

struct lines_chain {
	struct lines_call calls[LINES_DEPTH_MAX]; /* outermost first */
	uint32_t depth;
	struct lines_call kept[LINES_CALLS_KEPT]; /* calls of this block, most recent first */
	uint32_t kept_count;
};

/* How a row's chain is told. */
struct lines_turn {
	uint32_t ended;
	uint32_t begun;
	const struct lines_call *calls; /* what begins, to write; ignored when reading */
};

static inline bool lines_same_call(const struct lines_call *a, const struct lines_call *b)
{
	return a->function == b->function && a->from.file == b->from.file &&
	       a->from.line == b->from.line;
}

/* How far a call's place is from where the code was before; 0: in another file. */
static inline uint32_t lines_call_distance(const struct lines_rows *r,
					   const struct lines_call *call)
{
	int32_t lines = (int32_t)(call->from.line - r->before.line);
	if (call->from.file != r->before.file)
		return 0;
	return (lines < 0 ? 32 : 1) + lines_class(lines_size(lines)) * 2 + (lines == 0);
}

/* The innermost function, if it is one that its number alone tells something of. */
static inline uint32_t lines_inside(const struct lines_chain *k)
{
	return k->depth ? k->calls[k->depth - 1].function + 1 : 0;
}

static inline void lines_turn_contexts(const struct lines_rows *r, const struct lines_chain *k,
				       struct lines_coder *c, uint32_t what, uint32_t more)
{
	uint32_t moved = r->now.file != r->before.file;
	lines_contexts(
		c, what, lines_mix(r->kinds & 0xff, more), lines_mix(lines_known(r, r->now), more),
		lines_mix(lines_mix(lines_known(r, r->now), lines_known(r, r->before)), more),
		k->depth * 64 + more * 4 + moved * 2 +
			(k->depth && k->calls[k->depth - 1].from.file == r->now.file),
		lines_mix(lines_mix(lines_inside(k), lines_known_file(r, r->now.file)), more));
}

static inline uint32_t lines_code_ended(const struct lines_rows *r, const struct lines_chain *k,
					struct lines_coder *c, uint32_t ended)
{
	uint32_t i = 0;
	for (; i < k->depth; i++) {
		const struct lines_call *call = &k->calls[k->depth - i - 1];
		bool is_back = call->from.file == r->now.file;
		lines_turn_contexts(r, k, c, 1000, i);
		c->contexts[3] =
			lines_mix(c->contexts[3],
				  lines_mix(is_back, is_back && call->from.line == r->now.line));
		c->contexts[4] = lines_mix(
			1004, lines_mix(call->function, lines_known_file(r, r->now.file)));
		if (!lines_bit(c, 0, LINES_CONTEXTS, i < ended))
			break;
	}
	return i;
}

/* Bit by bit, each under all before it: so a site can know its function by heart. */
static inline uint32_t lines_code_function(struct lines_coder *c, uint32_t function)
{
	uint32_t path = 1;
	for (unsigned i = LINES_FUNCTION_BITS; i-- > 0;)
		path = path * 2 + lines_bit(c, path, LINES_CONTEXTS, function >> i & 1);
	return path - (1u << LINES_FUNCTION_BITS);
}

static inline struct lines_call lines_code_call(const struct lines_rows *r, struct lines_chain *k,
						struct lines_coder *c,
						const struct lines_call *given)
{
	struct lines_call call = *given;
	for (uint32_t i = 0; i < k->kept_count; i++) {
		const struct lines_call *kept = &k->kept[i];
		bool is_it = lines_same_call(kept, &call);
		lines_contexts(
			c, 1200, i, lines_call_distance(r, kept) * 2 + (i > 3),
			lines_mix(kept->function, lines_known(r, r->now)),
			lines_mix(kept->function, lines_inside(k)),
			lines_mix(lines_known_file(r, r->now.file), lines_call_distance(r, kept)));
		if (lines_bit(c, 0, LINES_CONTEXTS, is_it))
			return *kept;
	}
	lines_contexts(c, 1300, 0, r->now.file, lines_known(r, r->now), lines_inside(k),
		       lines_known_file(r, r->now.file) ? 0 : lines_mix(r->now.file, 1));
	call.function = lines_code_function(c, given->function);
	lines_contexts(c, 1400, k->depth, lines_known_file(r, r->now.file), lines_inside(k),
		       call.function, r->kinds & 0xff);
	if (lines_bit(c, 0, LINES_CONTEXTS, given->from.file == r->before.file))
		call.from.file = r->before.file;
	else
		call.from.file = lines_number(c, 1, given->from.file + 1) - 1;
	lines_contexts(c, 1500, call.from.file == r->before.file, call.function,
		       lines_known_file(r, call.from.file), lines_inside(k), r->kinds & 0xf);
	uint32_t base = call.from.file == r->before.file ? r->before.line : 0;
	call.from.line =
		base + (uint32_t)lines_difference(c, 0, (int32_t)(given->from.line - base));
	return call;
}

static inline void lines_keep_call(struct lines_chain *k, struct lines_call call)
{
	uint32_t at = 0;
	while (at < k->kept_count && !lines_same_call(&k->kept[at], &call))
		at++;
	if (at == k->kept_count && k->kept_count < LINES_CALLS_KEPT)
		k->kept_count++;
	at = at < LINES_CALLS_KEPT ? at : LINES_CALLS_KEPT - 1;
	for (; at > 0; at--)
		k->kept[at] = k->kept[at - 1];
	k->kept[0] = call;
}

/* The chain of the row that `r` is at, from that of the row before. */
static inline void lines_turn(const struct lines_rows *r, struct lines_chain *k,
			      struct lines_coder *c, const struct lines_turn *given)
{
	static const struct lines_call none = {0, {0, 0}};
	k->depth -= lines_code_ended(r, k, c, given->ended);
	for (uint32_t i = 0; k->depth < LINES_DEPTH_MAX; i++) {
		lines_turn_contexts(r, k, c, 1100, i < 3 ? i : 3);
		if (!lines_bit(c, 0, LINES_CONTEXTS, i < given->begun))
			break;
		struct lines_call call =
			lines_code_call(r, k, c, given->calls ? &given->calls[i] : &none);
		lines_keep_call(k, call);
		k->calls[k->depth++] = call;
	}
}

#endif
