/* SPDX-License-Identifier: MIT */
/* Inside the interpreter: operations on the place of code that a thread has come to. */
#ifndef CAIRN_PROG_PROG_SITE_H
#define CAIRN_PROG_PROG_SITE_H

#include "prog/prog.h"

/* The low `bytes` of a value, 1 to 8 of them. */
static inline uint64_t prog_extend(uint64_t value, uint32_t bytes, bool is_signed)
{
	unsigned unused_bits = 64 - 8 * bytes;
	value <<= unused_bits;
	return is_signed ? (uint64_t)((int64_t)value >> unused_bits) : value >> unused_bits;
}

/* The value of an instruction from PROG_REG on, 0 if it makes none; a is its operand's. */
uint64_t prog_site_run(const struct prog_insn *in, uint64_t a, const struct prog_input *input,
		       bool *fault);

#endif
