/* SPDX-License-Identifier: MIT */
/* How long the values of a program are needed: what every back end asks before it gives places. */
#ifndef CAIRN_PROG_PROG_LIFE_H
#define CAIRN_PROG_PROG_LIFE_H

#include "prog/prog.h"

struct prog_life {
	uint16_t last_use[PROG_INSNS_MAX]; /* 0: nobody's; instruction 0 uses nothing */
	/* Itself, or, when it outlives a skip over it, a skip that every run comes to before. */
	uint16_t birth[PROG_INSNS_MAX];
};

/* Of a checked program. */
void prog_life_find(const struct prog *p, struct prog_life *ret);

#endif
