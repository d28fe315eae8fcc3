/* SPDX-License-Identifier: MIT */
#include "prog/prog_life.h"

/* The last skip up to this one that nothing skips. */
static uint16_t before_skips(const struct prog *p, uint16_t skip)
{
	for (uint16_t s = skip; s-- > 0;) {
		if (prog_is_skip(&p->insns[s]) && p->insns[s].at > skip)
			skip = s;
	}
	return skip;
}

void prog_life_find(const struct prog *p, struct prog_life *ret)
{
	const struct prog_insn *insns = p->insns;
	for (uint16_t i = 0; i < p->insn_count; i++) {
		const struct prog_shape *shape = &prog_shapes[insns[i].op];
		ret->birth[i] = i;
		ret->last_use[i] = 0;
		if (shape->a == PROG_NUMBER)
			ret->last_use[insns[i].a] = i;
		if (shape->b == PROG_NUMBER)
			ret->last_use[insns[i].b] = i;
	}
	/* Backwards, so that the first skip over a value is the one that stays. */
	for (uint16_t s = (uint16_t)p->insn_count; s-- > 0;) {
		for (uint32_t v = s + 1u; prog_is_skip(&insns[s]) && v < insns[s].at; v++) {
			if (ret->last_use[v] >= insns[s].at)
				ret->birth[v] = s;
		}
	}
	for (uint16_t v = 0; v < p->insn_count; v++) {
		if (ret->birth[v] != v)
			ret->birth[v] = before_skips(p, ret->birth[v]);
	}
}
