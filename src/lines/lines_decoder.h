/* SPDX-License-Identifier: MIT */
/*
 * Reads what lines_row.h and lines_name.h describe: one bit for each decision, from a range coder
 * of 32 bits. Behind the stream's end it reads zeros.
 */
#ifndef CAIRN_LINES_LINES_DECODER_H
#define CAIRN_LINES_LINES_DECODER_H

#include "lines/lines_model.h"

struct lines_coder {
	const uint8_t *at, *end;
	uint32_t range, code;
	struct lines_model model;
	uint32_t contexts[LINES_CONTEXTS];
};

static inline uint32_t lines_next_byte(struct lines_coder *c)
{
	return c->at < c->end ? *c->at++ : 0;
}

static inline void lines_coder_init(struct lines_coder *c, const struct lines_model *model,
				    const uint8_t *at, const uint8_t *end)
{
	*c = (struct lines_coder){.at = at, .end = end, .range = ~0u, .model = *model};
	for (int i = 0; i < 4; i++)
		c->code = c->code << 8 | lines_next_byte(c);
}

static inline __attribute__((always_inline)) uint32_t lines_bit(struct lines_coder *c,
								uint32_t node, unsigned contexts,
								uint32_t ignored)
{
	int32_t sum = lines_weight(&c->model, lines_feature(c->contexts[0], node));
	(void)ignored;
#pragma GCC unroll 5
	for (unsigned i = 1; i < contexts; i++)
		sum += lines_weight(&c->model, lines_feature(c->contexts[i], node));
	uint32_t bound = (c->range >> 12) * lines_chance(sum);
	uint32_t bit = c->code < bound;
	c->code -= bit ? 0 : bound;
	c->range = bit ? bound : c->range - bound;
	while (c->range < 1u << 24) {
		c->range <<= 8;
		c->code = c->code << 8 | lines_next_byte(c);
	}
	return bit;
}

#endif
