/* SPDX-License-Identifier: MIT */
#include "lineinfo/line_profile.h"

#include <Zydis/Zydis.h>
#include <gelf.h>

/* What an instruction may be asked for. */
enum askable {
	ASK_NOTHING,
	ASK_START, /* its first byte: a fault */
	ASK_ALL,   /* every byte: the return address behind it, less one */
};

static enum askable one_byte_class(const ZydisDecodedInstruction *i, bool has_memory)
{
	uint8_t op = i->opcode, reg = i->raw.modrm.reg;
	if (op == 0xe8 || op == 0x9a || (op == 0xff && (reg == 2 || reg == 3)))
		return ASK_ALL;
	if ((op >= 0xa0 && op <= 0xa7) || (op >= 0xaa && op <= 0xaf) ||
	    (op >= 0x6c && op <= 0x6f) || op == 0xd7)
		return ASK_START; /* moves without ModRM, strings, xlat */
	return has_memory && op != 0x8d ? ASK_START : ASK_NOTHING;
}

static enum askable two_byte_class(const ZydisDecodedInstruction *i, bool has_memory)
{
	uint8_t op = i->opcode;
	if (op == 0x0b || op == 0xb9 || op == 0xff)
		return ASK_ALL;                                  /* ud2, ud1, ud0 */
	bool is_hint = op == 0x0d || (op >= 0x18 && op <= 0x1f); /* prefetches and long nops */
	return has_memory && !is_hint ? ASK_START : ASK_NOTHING;
}

static enum askable class_of(const ZydisDecodedInstruction *i)
{
	bool has_memory = (i->attributes & ZYDIS_ATTRIB_HAS_MODRM) && i->raw.modrm.mod != 3;
	if (i->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY) {
		if (i->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT)
			return one_byte_class(i, has_memory);
		if (i->opcode_map == ZYDIS_OPCODE_MAP_0F)
			return two_byte_class(i, has_memory);
	}
	return has_memory ? ASK_START : ASK_NOTHING;
}

struct thinner {
	ARRAY(struct line_row) kept;
	uint64_t asked; /* the last askable byte */
	bool has_asked;
};

/* Of all places behind `low` up to `high` the one at a distance that is told in the fewest bits. */
static uint64_t cheapest(uint64_t from, uint64_t low, uint64_t high)
{
	uint64_t least = low + 1 - from, most = high - from;
	for (unsigned zeros = 40; zeros-- > 0;) {
		uint64_t rounded = (least + (1ull << zeros) - 1) >> zeros << zeros;
		if (rounded && rounded <= most)
			return from + rounded;
	}
	return high;
}

/* From `start` up to `last` somebody may ask, and there the row counts. */
static int keep(struct thinner *t, const struct line_row *row, uint64_t start, uint64_t last)
{
	static const struct line_row none = {0, LINE_NO_FILE, 0, 0};
	struct line_row *before = t->kept.count ? &t->kept.items[t->kept.count - 1] : NULL;
	const struct line_row *now = row ? row : &none;
	uint64_t asked = t->asked;
	bool is_same = before && before->file == now->file && before->line == now->line &&
		       before->chain == now->chain;
	t->asked = last;
	if (is_same || (!before && now->file == LINE_NO_FILE))
		return 0;
	uint64_t at = before ? cheapest(before->address, asked, start) : start;
	return array_push(&t->kept, (struct line_row){at, now->file, now->line, now->chain});
}

struct reader {
	const struct line_row *row, *end;
};

/* The row at an address; addresses only grow. */
static const struct line_row *advance(struct reader *r, uint64_t address)
{
	while (r->row + 1 < r->end && r->row[1].address <= address)
		r->row++;
	return r->row < r->end && r->row->address <= address ? r->row : NULL;
}

/* Every byte of an instruction, row by row. */
static int keep_all(struct thinner *t, struct reader *r, uint64_t start, uint64_t end)
{
	while (start < end) {
		const struct line_row *row = advance(r, start);
		const struct line_row *next = row ? row + 1 : r->row;
		uint64_t last = next < r->end && next->address < end ? next->address : end;
		if (keep(t, row, start, last - 1))
			return -ENOMEM;
		start = last > start ? last : end;
	}
	return 0;
}

static int thin(struct thinner *t, enum lines_profile profile, struct reader *r,
		const struct line_section *section)
{
	ZydisDecoder decoder;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
	int failed = 0;
	for (uint64_t at = 0; !failed && at < section->bytes;) {
		ZydisDecodedInstruction i;
		uint64_t address = section->address + at;
		if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder, NULL, section->code + at,
							      section->bytes - at, &i))) {
			at++;
			continue;
		}
		at += i.length;
		enum askable class = class_of(&i);
		if (class == ASK_ALL)
			failed = keep_all(t, r, address, address + i.length);
		else if (class == ASK_START && profile == LINES_CRASH)
			failed = keep(t, advance(r, address), address, address);
	}
	return failed;
}

int line_profile_apply(struct line_plan *p, struct line_region *region, struct line_object *object,
		       const struct line_section *section)
{
	struct thinner t = {0};
	GElf_Ehdr header;
	const struct line_row *first = p->rows.items + region->first_row;
	struct reader reader = {first, first + region->row_count};
	/* Without its code, or for another machine, the region stays exact. */
	if (!section->code || !gelf_getehdr(object->elf, &header) || header.e_machine != EM_X86_64)
		return 0;
	int failed = thin(&t, p->profile, &reader, section);
	p->rows.count = region->first_row;
	array_each(row, &t.kept)
		if (!failed)
			failed = array_push(&p->rows, *row);
	region->row_count = p->rows.count - region->first_row;
	array_free(&t.kept);
	return failed;
}
