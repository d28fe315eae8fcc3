/* SPDX-License-Identifier: MIT */
/*
 * From an address to its mapping, from the mapping to the rule: one source for BPF and host.
 *
 * How a walk reaches its memory is told by `struct unwind_walk` and four functions. Outside the
 * kernel they are those of unwind/unwind_memory.h; a BPF program has defined its own before it
 * includes this:
 *
 *	const uint32_t *unwind_block(struct unwind_walk *w, uint32_t block);
 *		UNWIND_BLOCK_WORDS words of table space, or NULL
 *	const struct unwind_mapping *unwind_mapping_at(struct unwind_walk *w, uint32_t index);
 *		or NULL
 *	bool unwind_read(struct unwind_walk *w, uint64_t address, uint64_t *word_ret);
 *		8 bytes of the walked stack; false when they cannot be had
 *	void unwind_depend(struct unwind_walk *w, uint64_t address, uint64_t word);
 *		the frames found depend on this word of the stack, or on the first frame's
 *		bp when the address is 0
 *
 * A wrong table can make the answer wrong; it cannot make a search long or leave the block.
 */
#ifndef CAIRN_UNWIND_UNWIND_FIND_H
#define CAIRN_UNWIND_UNWIND_FIND_H

#include "unwind/unwind_abi.h"
#ifndef __bpf__
#include "unwind/unwind_memory.h"
#endif

static inline uint32_t unwind_word(struct unwind_walk *w, uint32_t block, uint32_t index)
{
	const uint32_t *words = unwind_block(w, block + (index >> UNWIND_BLOCK_SHIFT));

	return words ? words[index & (UNWIND_BLOCK_WORDS - 1)] : 0;
}

/* The last row of the page at or below `offset`. */
static inline uint32_t unwind_row(struct unwind_walk *w, uint32_t block, uint32_t page_word,
				  uint32_t offset)
{
	uint32_t first = UNWIND_PAGE_FIRST(page_word);
	uint32_t count = UNWIND_PAGE_COUNT(page_word);
	const uint32_t *words = unwind_block(w, block + (first >> UNWIND_BLOCK_SHIFT));

	if (!words)
		return 0;
	for (int i = 0; i < UNWIND_BLOCK_SHIFT && count > 1; i++) {
		uint32_t half = count / 2;
		uint32_t row = words[(first + half) & (UNWIND_BLOCK_WORDS - 1)];
		if (UNWIND_ROW_OFFSET(row) <= offset)
			first += half;
		count -= half;
	}
	return words[first & (UNWIND_BLOCK_WORDS - 1)];
}

/* The rule of an address of the file whose table begins at `block`. */
static inline struct unwind_rule unwind_find(struct unwind_walk *w, uint32_t block,
					     uint64_t address)
{
	struct unwind_rule rule = {.cfa = UNWIND_CFA_UNKNOWN};
	const struct unwind_table *t = (const struct unwind_table *)unwind_block(w, block);

	if (!t)
		return rule;
	uint32_t shift = t->page_shift & 31;
	uint64_t offset = address - t->text_start;
	uint64_t page = offset >> shift;
	if (page >= t->pages)
		return rule;
	uint32_t pages_at = UNWIND_HEADER_WORDS + UNWIND_RULE_WORDS * t->rules;
	uint32_t row = unwind_row(w, block, unwind_word(w, block, pages_at + (uint32_t)page),
				  (uint32_t)offset & ((1u << shift) - 1));
	uint32_t at = UNWIND_HEADER_WORDS + UNWIND_RULE_WORDS * UNWIND_ROW_RULE(row);
	if (at >= pages_at)
		return rule;
	uint32_t kinds = unwind_word(w, block, at);
	rule.cfa = (uint8_t)kinds;
	rule.bp = (uint8_t)(kinds >> 8);
	rule.bp_offset = (int16_t)(kinds >> 16);
	rule.cfa_offset = (int32_t)unwind_word(w, block, at + 1);
	return rule;
}

/* The mapping that holds the address, or NULL. */
static inline const struct unwind_mapping *unwind_mapping_find(struct unwind_walk *w,
							       const struct unwind_process *p,
							       uint64_t address)
{
	uint32_t first = p->first;
	uint32_t count = p->count;

	for (int i = 0; i < 13 && count > 1; i++) {
		uint32_t half = count / 2;
		const struct unwind_mapping *m = unwind_mapping_at(w, first + half);
		if (!m)
			return 0;
		if (m->start <= address)
			first += half;
		count -= half;
	}
	const struct unwind_mapping *m = count ? unwind_mapping_at(w, first) : 0;
	return m && address >= m->start && address < m->end ? m : 0;
}

#endif
