/* SPDX-License-Identifier: MIT */
#include "unwind/unwind_walk.h"

#include "unwind/unwind_step.h"

unsigned unwind_walk_frames(struct unwind_walk *w, const struct unwind_start *start, uint64_t *ips,
			    unsigned max, int *why_ret)
{
	struct unwind_process all = {.count = w->mapping_count};
	struct unwind_regs r = {start->ip, start->sp, start->bp, 0, start->exact};
	int why = UNWIND_MORE;
	unsigned count = 0;

	while (why == UNWIND_MORE && count < max && count < UNWIND_FRAMES_MAX) {
		ips[count++] = r.ip;
		const struct unwind_mapping *m = unwind_mapping_find(w, &all, r.ip - !r.exact);
		why = m ? unwind_up(w, m, &r) : UNWIND_CUT_MAPPING;
	}
	*why_ret = why;
	return count;
}

struct unwind_rule unwind_walk_rule(struct unwind_walk *w, uint32_t block, uint64_t address)
{
	return unwind_find(w, block, address);
}

static bool page_fits(const struct unwind_table *t, const uint32_t *words, uint32_t page)
{
	uint32_t first = UNWIND_PAGE_FIRST(page), count = UNWIND_PAGE_COUNT(page);

	if (first + count > t->words ||
	    first >> UNWIND_BLOCK_SHIFT != (first + count - 1) >> UNWIND_BLOCK_SHIFT ||
	    UNWIND_ROW_OFFSET(words[first]) != 0)
		return false;
	for (uint32_t i = first; i < first + count; i++) {
		if (UNWIND_ROW_RULE(words[i]) >= t->rules)
			return false;
		if (i > first && UNWIND_ROW_OFFSET(words[i]) <= UNWIND_ROW_OFFSET(words[i - 1]))
			return false;
	}
	return true;
}

int unwind_table_check(const uint32_t *words, size_t count)
{
	const struct unwind_table *t = (const struct unwind_table *)words;

	if (count < UNWIND_HEADER_WORDS || count > UNWIND_WORDS_MAX || t->magic != UNWIND_MAGIC ||
	    t->version != UNWIND_VERSION || t->words != count)
		return -1;
	if (t->page_shift < UNWIND_PAGE_SHIFT_MIN || t->page_shift > UNWIND_PAGE_SHIFT_MAX ||
	    t->rules > UNWIND_RULES_MAX || t->build_id_bytes > sizeof(t->build_id))
		return -1;
	size_t pages_at = UNWIND_HEADER_WORDS + (size_t)UNWIND_RULE_WORDS * t->rules;
	if (pages_at > count || t->pages > count - pages_at)
		return -1;
	for (uint32_t i = 0; i < t->pages; i++)
		if (!page_fits(t, words, words[pages_at + i]))
			return -1;
	return 0;
}
