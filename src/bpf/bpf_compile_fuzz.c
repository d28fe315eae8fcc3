/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a program: what prog_check() accepts compiles, or is refused for its size, and every
 * jump of the result stays inside it. Input: instruction count, pool bytes, instructions, pool.
 */
#include "bpf/bpf_compile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct bpf_insn code[BPF_COMPILE_INSNS_MAX];

static void look_at_jumps(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned class = code[i].code & 7, op = code[i].code & 0xf0;
		if (class != BPF_JMP || op == BPF_CALL || op == BPF_EXIT)
			continue;
		size_t to = i + 1 + (size_t)code[i].off;
		if (to >= count)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes < 2)
		return 0;
	struct prog p = {.insn_count = data[0], .pool_bytes = data[1]};
	size_t insn_bytes = p.insn_count * sizeof(struct prog_insn);
	if (bytes - 2 < insn_bytes + p.pool_bytes)
		return 0;
	struct prog_insn *insns = malloc(insn_bytes ? insn_bytes : 1);
	if (!insns)
		return 0;
	memcpy(insns, data + 2, insn_bytes);
	p.insns = insns;
	p.pool = data + 2 + insn_bytes;
	const struct bpf_exit exit = {.prog_array_fd = 3, .prog_index = 1};
	size_t count = 0;
	if (prog_check(&p, NULL) &&
	    bpf_compile(&p, &exit, code, BPF_COMPILE_INSNS_MAX, &count, NULL) == 0)
		look_at_jumps(count);
	free(insns);
	return 0;
}
