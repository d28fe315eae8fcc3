/* SPDX-License-Identifier: MIT */
/*
 * Where a variable is when a thread is at an address: in a register, in memory, computed, in
 * pieces, or nowhere. Everything is expressed by the thread's own registers and memory there.
 */
#ifndef CAIRN_DWARF_DWARF_LOCATION_H
#define CAIRN_DWARF_DWARF_LOCATION_H

#include "dwarf/dwarf_variable.h"

enum {
	DWARF_PIECES_MAX = 8,
	DWARF_STEPS_MAX = 96,
	DWARF_REGISTERS = 33, /* 16 general ones, the place, 16 of xmm: as DWARF numbers them */
};

/* A machine with a stack of 64-bit numbers. Operands are taken from the top, the result put. */
enum dwarf_do {
	DWARF_DO_CONST,    /* value */
	DWARF_DO_ADDRESS,  /* value, as linked */
	DWARF_DO_REGISTER, /* value: its number */
	DWARF_DO_ENTRY,    /* the register as it was when the function was entered */
	DWARF_DO_LOAD,     /* `bytes` at the address on top */
	DWARF_DO_EXTEND,   /* the low `bytes`, by sign when value is not 0 */
	DWARF_DO_PICK,     /* a copy of the value-th from the top */
	DWARF_DO_DROP,
	DWARF_DO_SWAP,
	DWARF_DO_ROTATE, /* the top goes under the two below it */
	DWARF_DO_NEGATE,
	DWARF_DO_INVERT,
	DWARF_DO_ADD,
	DWARF_DO_SUBTRACT,
	DWARF_DO_MULTIPLY,
	DWARF_DO_DIVIDE,
	DWARF_DO_MODULO,
	DWARF_DO_AND,
	DWARF_DO_OR,
	DWARF_DO_XOR,
	DWARF_DO_SHIFT_LEFT,
	DWARF_DO_SHIFT_RIGHT,
	DWARF_DO_SHIFT_RIGHT_SIGNED,
	DWARF_DO_EQ,
	DWARF_DO_NE,
	DWARF_DO_LT,
	DWARF_DO_LE,
	DWARF_DO_GT,
	DWARF_DO_GE,
};

struct dwarf_step {
	enum dwarf_do op;
	uint8_t bytes;
	int64_t value;
};

enum dwarf_where {
	DWARF_NOWHERE,
	DWARF_IN_MEMORY,   /* at the address the steps make */
	DWARF_IN_REGISTER, /* `number` */
	DWARF_IS_VALUE,    /* what the steps make */
	DWARF_IS_BYTES,    /* these */
};

struct dwarf_piece {
	enum dwarf_where where;
	uint32_t bytes; /* of the variable's, in order; 0: all of it */
	unsigned number;
	uint16_t first, count; /* steps */
	const uint8_t *data;
	size_t data_bytes;
};

struct dwarf_location {
	struct dwarf_piece pieces[DWARF_PIECES_MAX]; /* one, unless it is scattered */
	unsigned piece_count;
	struct dwarf_step steps[DWARF_STEPS_MAX];
	unsigned step_count;
	bool is_mapped;     /* memory is the own frame's or the file's: a load cannot fault */
	bool is_everywhere; /* said once for the block, also for where it is not stored yet */
	bool is_own;        /* in the part of the frame that the function itself makes */
	const char *why;    /* of DWARF_NOWHERE: "optimised out", … */
};

void dwarf_location_find(struct dwarf_file *f, const struct dwarf_variable *v, uint64_t address,
			 struct dwarf_location *ret);

#endif
