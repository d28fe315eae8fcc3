/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as code: what a run is found in must move without a fault, into code that decodes and
 * starts an instruction at every place the copy names.
 */
#include "insn/insn_emit.h"
#include "insn/insn_move.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_copy(const struct insn_run *run, const uint8_t *code, uint64_t address)
{
	uint8_t room[INSN_COPY_BYTES_MAX];
	struct emit out = emit_into(room, sizeof(room), address);
	struct insn_copy copy;
	struct insn in;
	if (insn_run_move(run, code, &out, &copy))
		return;
	unsigned named = 0;
	for (size_t at = 0; at < out.bytes; at += in.bytes) {
		if (named < run->count && copy.at[named] == at)
			named++;
		if (!insn_decode(room + at, out.bytes - at, address + at, &in))
			abort();
		if (in.class == INSN_JUMP_ANY && in.relative_bytes && in.displacement == 0)
			break; /* through the word behind it, the last of a copy */
	}
	if (named != run->count)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const uint64_t address = 0x7f0000000000;
	uint8_t *code = malloc(bytes ? bytes : 1); /* so that a read past the end is seen */
	if (!code)
		return 0;
	memcpy(code, data, bytes);
	for (size_t wanted = 1; wanted <= INSN_BYTES_MAX; wanted++) {
		struct insn_run run;
		if (!insn_run_find(code, bytes, address, wanted, &run))
			check_copy(&run, code, address + 0x100000);
	}
	free(code);
	return 0;
}
