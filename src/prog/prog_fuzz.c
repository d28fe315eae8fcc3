/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a program and a record: what prog_check() accepts must run without a fault.
 * Input: instruction count, pool bytes (one byte each), instructions, pool; the rest is the record.
 */
#include "prog/prog.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The record is the memory as well, at an address of few digits. */
static void run(const struct prog *p, const uint8_t *record, size_t bytes)
{
	uint64_t regs[PROG_REGS], values[PROG_INSNS_MAX];
	for (uint64_t i = 0; i < PROG_REGS; i++)
		regs[i] = i;
	uint32_t output_bytes = prog_output_bytes(p);
	uint8_t *output = malloc(output_bytes + 1);
	struct prog_cells cells = {.count = 0};
	struct prog_window memory = {.address = 2, .bytes = bytes, .data = record};
	struct prog_input input = {.record = record,
				   .record_bytes = bytes,
				   .tid = 1,
				   .regs = regs,
				   .windows = &memory,
				   .window_count = 1,
				   .output = output,
				   .output_bytes = output ? output_bytes : 0,
				   .cells = &cells,
				   .now_ticks = 1};
	prog_run(p, &input, values);
	free(output);
}

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
		run(&p, data + used, bytes - used);
	}
	free(insns);
	return 0;
}
