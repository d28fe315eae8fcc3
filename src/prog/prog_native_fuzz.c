/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a program: what prog_check() accepts is compiled or refused, to the same length
 * wherever it is to stand, and changes no register that it has not said.
 * Cells are a count, a histogram and times, over and over.
 */
#include "prog/prog_input_test.h"
#include "prog/prog_native.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { CODE_BYTES = 1 << 17, CELLS = 64 };

static uint8_t code[CODE_BYTES];
static struct prog_native native;

static size_t compile(uint64_t address)
{
	struct prog_frame frame = {.pc = 5, .saved = native.changes, .output_bytes = 4096};
	struct emit out = emit_into(code, CODE_BYTES, address);
	prog_native_emit(&native, &frame, &out);
	prog_native_land(&native, &out);
	if (!emit_ok(&out) || native.touched & ~native.changes)
		abort();
	return out.bytes;
}

static void compile_twice(const struct prog *p, int32_t distance)
{
	struct prog_native_cell cells[CELLS];
	static const uint8_t ops[] = {PROG_COUNT, PROG_HIST, PROG_ENTER};
	for (size_t i = 0; i < CELLS; i++)
		cells[i] = (struct prog_native_cell){
			.op = ops[i % 3], .cpu_count = 4, .counter_shift = 7};
	struct prog_native_target target = {
		.cells = cells, .cell_count = CELLS, .tid_at = distance, .rseq_at = distance};
	uint32_t bad;
	if (prog_native_plan(&native, p, &target, &bad) == 0 && compile(0) != compile(0x12345))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct prog p;
	size_t used;
	struct prog_insn *insns = prog_input_read(data, bytes, &p, &used);
	if (insns && prog_check(&p, NULL)) {
		compile_twice(&p, 0);
		compile_twice(&p, 64);
	}
	free(insns);
	return 0;
}
