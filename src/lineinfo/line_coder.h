/* SPDX-License-Identifier: MIT */
/*
 * The coder of the builder: learns the weights of the model, then writes streams with it.
 *
 * Learning is stochastic gradient descent of the code length, which is convex in the weights.
 * First every feature has a weight; then those that save most get a slot, and these learn again.
 */
#ifndef CAIRN_LINEINFO_LINE_CODER_H
#define CAIRN_LINEINFO_LINE_CODER_H

#define LINES_CODER

#include "lineinfo/line_code.h"
#include "lines/lines_model.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* A feature that learns. */
struct line_weight {
	float weight; /* a natural logarithm of odds */
	float energy; /* sum of squared errors: how often it spoke, and how sure it is */
};

struct lines_coder {
	uint32_t contexts[LINES_CONTEXTS];
	struct lines_model model;
	struct line_weight *weights; /* by identity; NULL: writing */
	const bool *kept;            /* by identity; NULL: all learn */
	struct line_bytes *out;
	size_t start; /* of the stream in `out` */
	uint64_t low;
	uint32_t range;
	bool failed; /* no memory */
};

/* What two features have in common that the model cannot tell apart. */
static inline uint32_t line_identity(uint32_t feature, unsigned bits)
{
	uint32_t tag = lines_tag(feature, bits), slot = lines_slot(feature, bits);
	uint32_t other = lines_other_slot(slot, tag, bits);
	return (slot < other ? slot : other) << 8 | tag;
}

/* One step towards weights that had predicted this bit better. */
static inline void line_learn(struct lines_coder *c, uint32_t node, unsigned contexts, uint32_t bit)
{
	struct line_weight *used[LINES_CONTEXTS];
	unsigned count = 0;
	float sum = 0;
	for (unsigned i = 0; i < contexts; i++) {
		uint32_t at = line_identity(lines_feature(c->contexts[i], node), c->model.bits);
		if (c->kept && !c->kept[at])
			continue;
		used[count++] = &c->weights[at];
		sum += c->weights[at].weight;
	}
	float error = (float)bit - 1 / (1 + expf(-sum));
	for (unsigned i = 0; i < count; i++) {
		used[i]->energy += error * error;
		used[i]->weight += 0.35f * error / sqrtf(used[i]->energy + 1);
	}
}

static inline void line_put_byte(struct lines_coder *c)
{
	if (c->low >> 32)
		for (size_t i = c->out->data.count; i-- > c->start && !++c->out->data.items[i];)
			;
	c->failed |= array_push(&c->out->data, (uint8_t)(c->low >> 24)) != 0;
	c->low = (c->low & 0xffffff) << 8;
}

static inline uint32_t lines_bit(struct lines_coder *c, uint32_t node, unsigned contexts,
				 uint32_t bit)
{
	if (c->weights) {
		line_learn(c, node, contexts, bit);
		return bit;
	}
	int32_t sum = 0;
	for (unsigned i = 0; i < contexts; i++)
		sum += lines_weight(&c->model, lines_feature(c->contexts[i], node));
	uint32_t bound = (c->range >> 12) * lines_chance(sum);
	c->low += bit ? 0 : bound;
	c->range = bit ? bound : c->range - bound;
	while (c->range < 1u << 24) {
		line_put_byte(c);
		c->range <<= 8;
	}
	return bit;
}

static inline void line_stream_begin(struct lines_coder *c)
{
	c->low = 0;
	c->range = ~0u;
	c->start = c->out ? c->out->data.count : 0;
}

/* As few bytes as tell the last interval: a reader takes zeros for what is missing. */
static inline void line_stream_end(struct lines_coder *c)
{
	if (c->weights)
		return;
	for (unsigned bytes = 0; bytes <= 4; bytes++) {
		uint64_t below = (1ull << (32 - 8 * bytes)) - 1;
		uint64_t value = (c->low + below) & ~below;
		if (value >= c->low + c->range)
			continue;
		c->low = value;
		for (unsigned i = 0; i < bytes; i++)
			line_put_byte(c);
		if (!bytes && value >> 32)
			line_put_byte(c);
		break;
	}
	while (c->out->data.count > c->start && !c->out->data.items[c->out->data.count - 1])
		c->out->data.count--;
}

#endif
