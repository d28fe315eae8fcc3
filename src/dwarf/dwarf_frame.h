/* SPDX-License-Identifier: MIT */
/* Where a frame is: what the call frame information says at an address. */
#ifndef CAIRN_DWARF_DWARF_FRAME_H
#define CAIRN_DWARF_DWARF_FRAME_H

#include "dwarf/dwarf_file.h"

/* The frame's end (CFA) is this register's value and an offset, from `start` to `end`. */
struct dwarf_frame {
	unsigned number;
	int64_t offset;
	uint64_t start, end;
};

/* False when nothing is said, or something else. */
bool dwarf_frame_find(struct dwarf_file *f, uint64_t address, struct dwarf_frame *ret);

/*
 * Whether the register (rbp or rsp) that a function's variables are counted from has the value at
 * this address that it has in most of the function: prologues and epilogues change it.
 */
bool dwarf_frame_is_set(struct dwarf_file *f, Dwarf_Die *function, uint64_t address,
			unsigned number);

#endif
