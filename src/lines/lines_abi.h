/* SPDX-License-Identifier: MIT */
/*
 * The form of a line table: an address of a kernel or program → its line of source.
 *
 *	header    this page: what the table is, and where its parts are
 *	objects   the files it is about        } fixed records
 *	regions   their sections of code       }
 *	words     names of objects and sections, each ends with NUL
 *	model     weights that predict the coded streams
 *	supers    of 16 blocks: where their first row and their stream begin
 *	blocks    a word each: its row and its stream, from the super's
 *	rows      the blocks' streams, coded after lines_row.h
 *	files     names of source files, coded after lines_name.h, found by file_groups
 *	functions names of functions, the same, found by function_groups
 *	symbols   where the functions are, sorted by address
 *	chains    which inlined functions the rows are in, coded after lines_chain.h; chain_supers
 *	          says by super, chain_blocks from there by block, where their streams begin
 *
 * All numbers are little-endian. Whoever reads trusts none of them. docs/lines-format.md says
 * more than this page.
 */
#ifndef CAIRN_LINES_LINES_ABI_H
#define CAIRN_LINES_LINES_ABI_H

#include "base/fixed.h"

#define LINES_MAGIC   0x6e6c6e63u /* "cnln" */
#define LINES_VERSION 1
#define LINES_NO_FILE 0xffffffffu /* code of no line */

/* For which addresses the table is exact; for others it gives the nearest row before. */
enum lines_profile {
	LINES_RETURN, /* what a call returns to, and trapping instructions */
	LINES_CRASH,  /* and every instruction that touches memory */
	LINES_BYTE,   /* every byte */
};

enum lines_part_kind {
	LINES_OBJECTS,
	LINES_REGIONS,
	LINES_WORDS,
	LINES_MODEL,
	LINES_SUPERS,
	LINES_BLOCKS,
	LINES_ROWS,
	LINES_FILE_GROUPS,
	LINES_FILES,
	LINES_FUNCTION_GROUPS,
	LINES_FUNCTIONS,
	LINES_SYMBOLS,
	LINES_CHAIN_SUPERS,
	LINES_CHAIN_BLOCKS,
	LINES_CHAINS,
	LINES_PARTS,
};

enum {
	LINES_CONTEXTS = 5,
	LINES_FEW_CONTEXTS = 3, /* for the lower bits of numbers */
	LINES_BLOCK_ROWS_MAX = 256,
	LINES_SUPER_BLOCKS = 16,
	LINES_STREAM_BITS = 13, /* of a block word; above them the address */
	LINES_NAME_GROUP = 16,
	LINES_NAME_MAX = 512, /* a longer name loses what is in front */
	LINES_SLOT_BITS_MAX = 16,
	LINES_BUILD_ID_MAX = 20,
	LINES_ROW_BYTES_MAX = 1 << 20, /* a longer row ends its block */
};

struct lines_part {
	uint32_t offset; /* from the table's first byte */
	uint32_t bytes;
};

struct lines_header {
	uint32_t magic;
	uint16_t version;
	uint8_t profile;   /* enum lines_profile */
	uint8_t slot_bits; /* the model has 2^slot_bits slots */
	uint32_t bytes;    /* of the whole table */
	uint16_t block_rows;
	uint16_t spare;
	uint64_t sum;       /* of the table, this taken for 0 */
	uint32_t hot_files; /* files below this number are used by many units, hottest first */
	uint32_t file_count;
	uint32_t function_count;
	uint32_t row_count;
	struct lines_part parts[LINES_PARTS];
};

struct lines_object {
	uint32_t name; /* in words */
	uint8_t build_id_bytes;
	uint8_t is_module; /* its regions begin at 0, each is a section of its own */
	uint16_t region_count;
	uint32_t first_region;
	uint8_t build_id[LINES_BUILD_ID_MAX];
};

struct lines_region {
	uint64_t address;
	uint64_t bytes;
	uint32_t name; /* in words */
	uint32_t object;
	uint32_t first_super;
	uint32_t super_count;
	uint32_t first_symbol;
	uint32_t symbol_count;
};

struct lines_super {
	uint32_t address; /* from the region's first byte */
	uint32_t stream;  /* in rows; in the highest four bits the number of blocks − 1 */
};

/* A function: its bytes may lie in several regions, each part is a symbol. */
struct lines_symbol {
	uint32_t address; /* from the region's first byte */
	uint32_t bytes;
	uint32_t function; /* number of its name */
};

_Static_assert(sizeof(struct lines_header) == 160, "the header is an ABI");
_Static_assert(sizeof(struct lines_object) == 32, "the object is an ABI");
_Static_assert(sizeof(struct lines_region) == 40, "the region is an ABI");
_Static_assert(sizeof(struct lines_super) == 8, "the super is an ABI");
_Static_assert(sizeof(struct lines_symbol) == 12, "the symbol is an ABI");

#endif
