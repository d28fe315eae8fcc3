/* SPDX-License-Identifier: MIT */
/*
 * A program out of a fuzzer's bytes: instruction count, pool bytes (one byte each), instructions,
 * pool; what follows is the fuzzer's own.
 */
#ifndef CAIRN_PROG_PROG_INPUT_TEST_H
#define CAIRN_PROG_PROG_INPUT_TEST_H

#include "prog/prog.h"

#include <stdlib.h>
#include <string.h>

/*
 * The instructions, in memory of their own so that a read past them is seen; the caller frees
 * them. NULL when the input is too short for them. `*used_ret`: the bytes that were taken.
 */
static inline struct prog_insn *prog_input_read(const uint8_t *data, size_t bytes, struct prog *ret,
						size_t *used_ret)
{
	if (bytes < 2)
		return NULL;
	size_t insn_bytes = data[0] * sizeof(struct prog_insn);
	size_t used = 2 + insn_bytes + data[1];
	struct prog_insn *insns = used <= bytes ? malloc(insn_bytes ? insn_bytes : 1) : NULL;
	if (!insns)
		return NULL;
	memcpy(insns, data + 2, insn_bytes);
	*ret = (struct prog){
		.insns = insns,
		.insn_count = data[0],
		.pool_bytes = data[1],
		.pool = data + 2 + insn_bytes,
	};
	*used_ret = used;
	return insns;
}

#endif
