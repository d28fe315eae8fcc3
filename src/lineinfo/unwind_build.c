/* SPDX-License-Identifier: MIT */
#include "lineinfo/unwind_build.h"

#include "lineinfo/unwind_rows.h"
#include "util/array.h"
#include "util/map.h"

#include <elfutils/libdwelf.h>
#include <gelf.h>
#include <string.h>

enum {
	PAGE_ROWS_AIM = 64, /* a search of 6 steps */
	ROWS_PAGE_SHIFT = 12,
};

struct packer {
	const struct unwind_rule_row *rows;
	size_t row_count;
	uint64_t text_start;
	unsigned shift;
	struct map rule_numbers;
	ARRAY(struct unwind_rule) rules;
	ARRAY(uint32_t) pages;
	ARRAY(uint32_t) body;   /* the rows' words */
	ARRAY(uint32_t) single; /* of each rule: page word of a page that is wholly of it, or 0 */
	size_t body_at;         /* where `body` begins in the table */
};

static uint64_t rule_key(const struct unwind_rule *rule)
{
	uint64_t key;

	memcpy(&key, rule, sizeof(key));
	return key;
}

static int number_rules(struct packer *p)
{
	for (size_t i = 0; i < p->row_count; i++) {
		uint64_t *number = map_put(&p->rule_numbers, rule_key(&p->rows[i].rule));
		if (!number)
			return -ENOMEM;
		if (*number)
			continue;
		if (array_push(&p->rules, p->rows[i].rule) || array_push(&p->single, 0))
			return -ENOMEM;
		*number = p->rules.count;
	}
	return 0;
}

static uint32_t rule_number(const struct packer *p, size_t row)
{
	return (uint32_t)*map_find(&p->rule_numbers, rule_key(&p->rows[row].rule)) - 1;
}

/* A page's rows stay inside one block: what is left of the block is filled with zeros. */
static int open_page(struct packer *p, size_t rows)
{
	size_t at = p->body_at + p->body.count;
	size_t room = UNWIND_BLOCK_WORDS - at % UNWIND_BLOCK_WORDS;

	for (size_t i = 0; rows > room && i < room; i++)
		if (array_push(&p->body, 0))
			return -ENOMEM;
	return 0;
}

/* A page that begins in row `first` and ends before row `end`. */
static int pack_page(struct packer *p, uint64_t start, size_t first, size_t end)
{
	uint32_t rule = rule_number(p, first);

	if (end - first == 1 && p->single.items[rule])
		return array_push(&p->pages, p->single.items[rule]);
	if (open_page(p, end - first))
		return -ENOMEM;
	size_t at = p->body_at + p->body.count;
	if (at + (end - first) > UNWIND_WORDS_MAX)
		return -E2BIG;
	uint32_t page = UNWIND_PAGE(at, end - first);
	for (size_t i = first; i < end; i++) {
		uint64_t offset = i > first ? p->rows[i].address - start : 0;
		if (array_push(&p->body, UNWIND_ROW(offset, rule_number(p, i))))
			return -ENOMEM;
	}
	if (end - first == 1)
		p->single.items[rule] = page;
	return array_push(&p->pages, page);
}

static int pack_pages(struct packer *p)
{
	size_t first = 0;
	uint64_t last = p->rows[p->row_count - 1].address;

	for (uint64_t start = p->text_start; start <= last; start += 1ull << p->shift) {
		uint64_t next = start + (1ull << p->shift);
		while (first + 1 < p->row_count && p->rows[first + 1].address <= start)
			first++;
		size_t end = first + 1;
		while (end < p->row_count && p->rows[end].address < next)
			end++;
		int failed = pack_page(p, start, first, end);
		if (failed)
			return failed;
	}
	return 0;
}

/* No page may hold more rows than a block; sparse text gets larger pages, for a shorter index. */
static unsigned choose_shift(const struct unwind_rule_row *rows, size_t count)
{
	uint64_t bytes = rows[count - 1].address - rows[0].address + 1;
	unsigned shift = UNWIND_PAGE_SHIFT_MAX;

	while (shift > ROWS_PAGE_SHIFT && count / ((bytes >> shift) + 1) > PAGE_ROWS_AIM)
		shift--;
	for (size_t i = 0; i + UNWIND_BLOCK_WORDS - 1 < count; i++)
		while (shift > UNWIND_PAGE_SHIFT_MIN &&
		       rows[i + UNWIND_BLOCK_WORDS - 1].address - rows[i].address < 1ull << shift)
			shift--;
	return shift;
}

static void set_build_id(struct unwind_table *t, Elf *elf)
{
	const void *id;
	ssize_t bytes = dwelf_elf_gnu_build_id(elf, &id);

	if (bytes > 0 && bytes <= (ssize_t)sizeof(t->build_id)) {
		memcpy(t->build_id, id, (size_t)bytes);
		t->build_id_bytes = (uint8_t)bytes;
	}
}

static int join(struct packer *p, Elf *elf, struct unwind_image *ret)
{
	size_t rule_words = p->rules.count * UNWIND_RULE_WORDS;
	size_t count = p->body_at + p->body.count;
	uint32_t *words = calloc(count, sizeof(*words));

	if (!words)
		return -ENOMEM;
	struct unwind_table *t = (struct unwind_table *)words;
	*t = (struct unwind_table){.magic = UNWIND_MAGIC,
				   .version = UNWIND_VERSION,
				   .profile = UNWIND_ANY,
				   .page_shift = (uint8_t)p->shift,
				   .text_start = p->text_start,
				   .words = (uint32_t)count,
				   .rules = (uint32_t)p->rules.count,
				   .pages = (uint32_t)p->pages.count,
				   .rows = (uint32_t)p->row_count};
	set_build_id(t, elf);
	memcpy(words + UNWIND_HEADER_WORDS, p->rules.items, rule_words * 4);
	memcpy(words + UNWIND_HEADER_WORDS + rule_words, p->pages.items, p->pages.count * 4);
	memcpy(words + p->body_at, p->body.items, p->body.count * 4);
	*ret = (struct unwind_image){words, count};
	return 0;
}

static int pack(struct packer *p, Elf *elf, struct unwind_image *ret)
{
	p->shift = choose_shift(p->rows, p->row_count);
	p->text_start = p->rows[0].address & ~(UNWIND_PAGE_BYTES_MAX - 1);
	uint64_t last = p->rows[p->row_count - 1].address;
	uint64_t pages = ((last - p->text_start) >> p->shift) + 1;
	int failed = number_rules(p);
	if (failed)
		return failed;
	if (pages >= UNWIND_WORDS_MAX / 2 || p->rules.count >= UNWIND_RULES_MAX)
		return -E2BIG;
	p->body_at = UNWIND_HEADER_WORDS + p->rules.count * UNWIND_RULE_WORDS + pages;
	failed = pack_pages(p);
	return failed ? failed : join(p, elf, ret);
}

static int build(struct unwind_image *ret, Elf *elf, const char *name, struct err *e)
{
	struct unwind_rows rows = {0};
	int failed = unwind_rows_read(&rows, elf, name, e);

	if (!failed) {
		struct packer p = {.rows = rows.rows.items, .row_count = rows.rows.count};
		failed = pack(&p, elf, ret);
		if (failed)
			err_set(e, -failed, "%s: %s", name,
				failed == -E2BIG ? "its unwind rows are more than a table holds"
						 : "no memory for its unwind table");
		map_deinit(&p.rule_numbers);
		array_free(&p.rules);
		array_free(&p.pages);
		array_free(&p.body);
		array_free(&p.single);
	}
	unwind_rows_deinit(&rows);
	return failed;
}

int unwind_build_file(struct unwind_image *ret, int fd, const char *name, struct err *e)
{
	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF) {
		elf_end(elf);
		return err_set(e, ENODATA, "%s: not an ELF file", name);
	}
	int failed = build(ret, elf, name, e);
	elf_end(elf);
	return failed;
}
