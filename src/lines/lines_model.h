/* SPDX-License-Identifier: MIT */
/*
 * What predicts a coded bit: the sum of the weights of what is known.
 *
 * A decision is a node (which question is asked) under a few contexts (what is known already). A
 * context and the node together are a feature. A feature's weight says how much it speaks for a
 * 1: a logarithm of odds, in sixteenths. The model keeps the weights of those features that pay;
 * a feature without a weight says nothing. Summing is what lets contexts be combined whose
 * product no table could hold.
 *
 * A slot is a feature's tag above its weight. A feature has two slots it may be in.
 */
#ifndef CAIRN_LINES_LINES_MODEL_H
#define CAIRN_LINES_LINES_MODEL_H

#include "lines/lines_abi.h"
#include "lines/lines_chances.h"

struct lines_model {
	const uint8_t *slots; /* two bytes each: weight, tag */
	unsigned bits;
};

static inline uint32_t lines_mix(uint32_t a, uint32_t b)
{
	return (a ^ b * 0x9e3779b1u) * 0x85ebca6bu + b;
}

static inline uint32_t lines_feature(uint32_t context, uint32_t node)
{
	return (context ^ node * 0x9e3779b1u) * 0x2c1b3c6du;
}

/* A product's highest bits depend on all bits of its factors. */
static inline uint32_t lines_tag(uint32_t feature, unsigned bits)
{
	return feature >> (24 - bits) & 255;
}

static inline uint32_t lines_slot(uint32_t feature, unsigned bits)
{
	return feature >> (32 - bits);
}

/* The other slot; of that one it is the first again. */
static inline uint32_t lines_other_slot(uint32_t slot, uint32_t tag, unsigned bits)
{
	return slot ^ ((tag * 93 + 1) & ((1u << bits) - 1));
}

/* The weight in a slot that has this tag: without a branch, which nothing could foresee. */
static inline int32_t lines_slot_weight(const struct lines_model *m, uint32_t slot, uint32_t tag)
{
	uint16_t both;
	__builtin_memcpy(&both, m->slots + 2 * slot, 2);
	return (int8_t)both & -(int32_t)((uint32_t)both >> 8 == tag);
}

/* A feature is in one of its slots at most: an unused slot has weight 0. */
static inline int32_t lines_weight(const struct lines_model *m, uint32_t feature)
{
	uint32_t tag = lines_tag(feature, m->bits), slot = lines_slot(feature, m->bits);
	return lines_slot_weight(m, slot, tag) +
	       lines_slot_weight(m, lines_other_slot(slot, tag, m->bits), tag);
}

#endif
