/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a program and a record: what prog_check() accepts must run without a fault.
 * Input: instruction count, pool bytes (one byte each), instructions, pool; the rest is the record.
 */
#include "prog/prog.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes < 2)
		return 0;
	struct prog p = {.insn_count = data[0], .pool_bytes = data[1]};
	size_t insn_bytes = p.insn_count * sizeof(struct prog_insn);
	data += 2;
	bytes -= 2;
	if (bytes < insn_bytes + p.pool_bytes)
		return 0;
	/* A copy of its own, so that a read past the instructions is seen. */
	struct prog_insn *insns = malloc(insn_bytes ? insn_bytes : 1);
	if (!insns)
		return 0;
	memcpy(insns, data, insn_bytes);
	p.insns = insns;
	p.pool = data + insn_bytes;
	if (prog_check(&p, NULL)) {
		size_t used = insn_bytes + p.pool_bytes;
		struct prog_input input = {
			.record = data + used, .record_bytes = bytes - used, .tid = 1};
		uint64_t values[PROG_INSNS_MAX];
		prog_run(&p, &input, values);
	}
	free(insns);
	return 0;
}
