/* SPDX-License-Identifier: MIT */
/* What a walk outside the kernel reads: tables and mappings in memory, a stack that was copied. */
#ifndef CAIRN_UNWIND_UNWIND_MEMORY_H
#define CAIRN_UNWIND_UNWIND_MEMORY_H

#include "unwind/unwind_abi.h"

#include <stddef.h>

struct unwind_walk {
	const uint32_t *words; /* table space, whole blocks */
	uint32_t blocks;
	const struct unwind_mapping *mappings; /* sorted */
	uint32_t mapping_count;
	const uint8_t *stack; /* the copy */
	uint64_t stack_address;
	size_t stack_bytes;
};

static inline const uint32_t *unwind_block(struct unwind_walk *w, uint32_t block)
{
	return block < w->blocks ? w->words + (size_t)block * UNWIND_BLOCK_WORDS : NULL;
}

static inline const struct unwind_mapping *unwind_mapping_at(struct unwind_walk *w, uint32_t index)
{
	return index < w->mapping_count ? &w->mappings[index] : NULL;
}

static inline bool unwind_read(struct unwind_walk *w, uint64_t address, uint64_t *word_ret)
{
	uint64_t offset = address - w->stack_address;

	if (w->stack_bytes < 8 || offset > w->stack_bytes - 8)
		return false;
	__builtin_memcpy(word_ret, w->stack + offset, 8);
	return true;
}

/* Nobody here remembers a walk. */
static inline void unwind_depend(struct unwind_walk *w, uint64_t address, uint64_t word)
{
	(void)w;
	(void)address;
	(void)word;
}

#endif
