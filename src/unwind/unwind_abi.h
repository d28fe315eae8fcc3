/* SPDX-License-Identifier: MIT */
/*
 * The bytes of an unwind table: from an address to the rule that finds the caller's frame.
 *
 * A table describes one ELF file, in the file's own addresses. It is an array of 32-bit words:
 *
 *	struct unwind_table   16 words
 *	rules                 2 words each
 *	pages                 1 word each: where the rows of this piece of text are
 *	rows                  1 word each: from this offset in the page on, this rule
 *
 * A page's first row has offset 0, so a look-up ends inside its page. The rows of a page never
 * cross a multiple of UNWIND_BLOCK_WORDS from the table's start; pages may share rows. Loading a
 * table is copying it to a block's start: nothing in it says where it lies.
 *
 * A process is a sorted list of mappings, each with the first block of its file's table.
 */
#ifndef CAIRN_UNWIND_UNWIND_ABI_H
#define CAIRN_UNWIND_UNWIND_ABI_H

#include "base/fixed.h"

enum {
	UNWIND_MAGIC = 0x77756e63,
	UNWIND_VERSION = 1,
	UNWIND_BLOCK_SHIFT = 10,
	UNWIND_BLOCK_WORDS = 1 << UNWIND_BLOCK_SHIFT,
	UNWIND_PAGE_SHIFT_MIN = 10,
	UNWIND_PAGE_SHIFT_MAX = 16,
	UNWIND_RULES_MAX = 1 << 16,
	UNWIND_WORDS_MAX = 1 << 22,
	UNWIND_FRAMES_MAX = 64,
	UNWIND_MAPPINGS_MAX = 4096, /* of one process */
};

#define UNWIND_PAGE_BYTES_MAX (1ull << UNWIND_PAGE_SHIFT_MAX)

/* Which addresses a table answers for. */
enum unwind_profile {
	UNWIND_ANY = 1,     /* every instruction */
	UNWIND_RETURNS = 2, /* those before return addresses and after system calls */
};

/*
 * Where the frame's end (CFA) is: there the caller's stack pointer stands, the return address
 * lies 8 bytes below. Kinds of other machines take other numbers.
 */
enum unwind_cfa {
	UNWIND_CFA_UNKNOWN = 0,
	UNWIND_CFA_SP,       /* sp + cfa_offset */
	UNWIND_CFA_BP,       /* bp + cfa_offset */
	UNWIND_CFA_BP_DEREF, /* the word at bp + cfa_offset: a realigned frame */
	UNWIND_CFA_PLT,      /* sp + 8, and 8 more behind the entry's push */
	UNWIND_CFA_SIGNAL,   /* a signal frame: ip, sp and bp at fixed places above sp */
	UNWIND_CFA_END,      /* the outermost frame */
};

/* The caller's frame pointer. */
enum unwind_bp {
	UNWIND_BP_SAME = 0,
	UNWIND_BP_AT_CFA, /* in the word at CFA + bp_offset */
	UNWIND_BP_AT_BP,  /* in the word at bp + bp_offset */
};

struct unwind_rule {
	uint8_t cfa; /* enum unwind_cfa */
	uint8_t bp;  /* enum unwind_bp */
	int16_t bp_offset;
	int32_t cfa_offset;
};

struct unwind_table {
	uint32_t magic;
	uint16_t version;
	uint8_t profile;
	uint8_t page_shift;
	uint64_t text_start; /* of the first page, in the file's addresses */
	uint32_t words;      /* in all */
	uint32_t rules;
	uint32_t pages;
	uint32_t rows;
	uint8_t build_id_bytes; /* 0 = the file has none */
	uint8_t build_id[20];
	uint8_t spare[11];
};

enum {
	UNWIND_HEADER_WORDS = sizeof(struct unwind_table) / 4,
	UNWIND_RULE_WORDS = sizeof(struct unwind_rule) / 4,
};

_Static_assert(sizeof(struct unwind_table) == 64, "the table's header is an ABI");
_Static_assert(sizeof(struct unwind_rule) == 8, "the rule is an ABI");

/* A page word: the first row's place in the table, and the number of rows less one. */
#define UNWIND_PAGE(first, count)    ((uint32_t)(first) << 10 | ((count)-1))
#define UNWIND_PAGE_FIRST(page_word) ((page_word) >> 10)
#define UNWIND_PAGE_COUNT(page_word) (((page_word)&1023) + 1)

/* A row word: offset in the page, index of the rule. */
#define UNWIND_ROW(offset, rule)    ((uint32_t)(offset) << 16 | (rule))
#define UNWIND_ROW_OFFSET(row_word) ((row_word) >> 16)
#define UNWIND_ROW_RULE(row_word)   ((row_word)&0xffff)

/* How a step, or the whole walk, ended. */
enum unwind_result {
	UNWIND_MORE = 0,
	UNWIND_COMPLETE,     /* the outermost frame was reached */
	UNWIND_CUT_MAPPING,  /* the address is in no known mapping */
	UNWIND_CUT_TABLE,    /* a mapping without a table */
	UNWIND_CUT_RULE,     /* an address without a rule */
	UNWIND_CUT_READ,     /* a word of the stack cannot be read */
	UNWIND_CUT_PROGRESS, /* the step would not lead upwards */
};

/* Executable memory of a process: [start, end). */
struct unwind_mapping {
	uint64_t start;
	uint64_t end;
	uint64_t base;  /* address in memory − address in the file */
	uint32_t table; /* its first block; 0 = there is none (block 0 is never used) */
	uint32_t spare;
};

/* A process: mappings first … first + count − 1, sorted, without overlaps. */
struct unwind_process {
	uint32_t first;
	uint32_t count;
	uint32_t exec_pages; /* executable pages of the process when the list was read */
	uint32_t generation; /* of the list: no two that differ have the same */
};

#endif
