/* SPDX-License-Identifier: MIT */
/* Hostile tables, mappings and stacks: every walk ends, inside its memory. */
#include "unwind/unwind_walk.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { BLOCKS = 2, TABLE_BYTES = BLOCKS * UNWIND_BLOCK_WORDS * 4 };

/* The input: registers, two mappings, a stack's length, the stack, and the table space. */
struct input {
	uint64_t ip, sp, bp;
	struct unwind_mapping mappings[2];
	uint16_t stack_bytes;
	uint8_t exact;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct input in;
	uint64_t ips[UNWIND_FRAMES_MAX];
	int why;

	if (bytes < sizeof(in))
		return 0;
	memcpy(&in, data, sizeof(in));
	data += sizeof(in);
	bytes -= sizeof(in);
	size_t stack_bytes = in.stack_bytes < bytes ? in.stack_bytes : bytes;
	uint8_t *stack = malloc(stack_bytes);
	uint32_t *words = calloc(1, TABLE_BYTES);
	if (stack_bytes)
		memcpy(stack, data, stack_bytes);
	size_t table_bytes = bytes - stack_bytes < TABLE_BYTES ? bytes - stack_bytes : TABLE_BYTES;
	memcpy(words, data + stack_bytes, table_bytes);

	struct unwind_walk w = {.words = words,
				.blocks = BLOCKS,
				.mappings = in.mappings,
				.mapping_count = 2,
				.stack = stack,
				.stack_address = in.sp,
				.stack_bytes = stack_bytes};
	struct unwind_start start = {in.ip, in.sp, in.bp, in.exact & 1};
	unsigned count = unwind_walk_frames(&w, &start, ips, UNWIND_FRAMES_MAX, &why);
	if (count == 0 || count > UNWIND_FRAMES_MAX)
		abort();
	unwind_table_check(words, table_bytes / 4);
	free(stack);
	free(words);
	return 0;
}
