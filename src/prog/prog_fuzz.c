/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a program and a record: what prog_check() accepts must run without a fault.
 * Behind the program comes the record.
 */
#include "prog/prog_input_test.h"

#include <stdlib.h>

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
	struct prog p;
	size_t used;
	struct prog_insn *insns = prog_input_read(data, bytes, &p, &used);
	if (insns && prog_check(&p, NULL))
		run(&p, data + used, bytes - used);
	free(insns);
	return 0;
}
