/* SPDX-License-Identifier: MIT */
#include "dwarf/dwarf_frame.h"

#include <stdlib.h>

enum { REGISTER_BP = 6, ROWS_MAX = 4096 };

static bool find_in(Dwarf_CFI *cfi, uint64_t address, struct dwarf_frame *ret)
{
	Dwarf_Frame *frame;
	Dwarf_Op *ops;
	size_t count;
	bool is_signal;
	if (!cfi || dwarf_cfi_addrframe(cfi, address, &frame))
		return false;
	bool is_fine = !dwarf_frame_cfa(frame, &ops, &count) && count == 1 &&
		       dwarf_frame_info(frame, &ret->start, &ret->end, &is_signal) >= 0;
	if (is_fine && ops[0].atom >= DW_OP_breg0 && ops[0].atom <= DW_OP_breg31) {
		ret->number = ops[0].atom - DW_OP_breg0;
		ret->offset = (int64_t)ops[0].number;
	} else if (is_fine && ops[0].atom == DW_OP_bregx) {
		ret->number = (unsigned)ops[0].number;
		ret->offset = (int64_t)ops[0].number2;
	} else {
		is_fine = false;
	}
	free(frame);
	return is_fine;
}

bool dwarf_frame_find(struct dwarf_file *f, uint64_t address, struct dwarf_frame *ret)
{
	return find_in(f->frames, address, ret) || find_in(f->debug_frames, address, ret);
}

/* The row that holds for most of the function's bytes. */
static bool widest_row(struct dwarf_file *f, Dwarf_Die *function, struct dwarf_frame *ret)
{
	Dwarf_Addr start, end;
	struct dwarf_frame row;
	*ret = (struct dwarf_frame){.start = 0};
	if (dwarf_lowpc(function, &start) || dwarf_highpc(function, &end))
		return false;
	for (unsigned i = 0; i < ROWS_MAX && start < end; i++) {
		if (!dwarf_frame_find(f, start, &row) || row.end <= start)
			break;
		if (row.end - row.start > ret->end - ret->start)
			*ret = row;
		start = row.end;
	}
	return ret->end > 0;
}

bool dwarf_frame_is_set(struct dwarf_file *f, Dwarf_Die *function, uint64_t address,
			unsigned number)
{
	struct dwarf_frame here, usual;
	if (!dwarf_frame_find(f, address, &here))
		return false;
	if (number == REGISTER_BP)
		return here.number == REGISTER_BP;
	return widest_row(f, function, &usual) && here.number == usual.number &&
	       here.offset == usual.offset;
}
