/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a program: what prog_check() accepts compiles, or is refused for its size, and every
 * jump of the result stays inside it.
 */
#include "bpf/bpf_compile.h"
#include "prog/prog_input_test.h"

#include <stdlib.h>

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
	const struct bpf_exit exit = {.prog_array_fd = 3, .prog_index = 1};
	struct prog p;
	size_t used, count = 0;
	struct prog_insn *insns = prog_input_read(data, bytes, &p, &used);
	if (insns && prog_check(&p, NULL) &&
	    bpf_compile(&p, &exit, code, BPF_COMPILE_INSNS_MAX, &count, NULL) == 0)
		look_at_jumps(count);
	free(insns);
	return 0;
}
