/* SPDX-License-Identifier: MIT */
/*
 * Reads .eh_frame of x86-64: entries, and the rules their instructions describe, in one pass.
 *
 * The section is somebody else's: an entry that is not understood is left out, an instruction
 * that is not makes the rest of its entry unknown. No allocation.
 */
#ifndef CAIRN_LINEINFO_UNWIND_CFI_H
#define CAIRN_LINEINFO_UNWIND_CFI_H

#include "base/cursor.h"
#include "unwind/unwind_abi.h"

/* What an expression, or a pair of register and offset, says of a frame's end or a register. */
enum cfi_kind {
	CFI_NONE = 0, /* nothing was said */
	CFI_UNDEFINED,
	CFI_SAME,
	CFI_AT_CFA,     /* in the word at CFA + offset */
	CFI_EXPRESSION, /* in the word at this address */
	CFI_REGISTER,   /* of the CFA: register + offset */
	CFI_OTHER,
};

struct cfi_rule {
	enum cfi_kind kind;
	unsigned reg;
	int64_t offset;
	struct cursor expression;
};

/* One row: the registers a stack walk needs. */
struct cfi_state {
	struct cfi_rule cfa, bp, ip;
};

/* What several entries have in common: a CIE. */
struct cfi_common {
	size_t at; /* in the section */
	bool read; /* `at` is one */
	bool known, signal, sized;
	uint8_t encoding, pads_encoding;
	uint64_t code_factor;
	int64_t data_factor;
	struct cursor instructions;
};

struct cfi {
	const uint8_t *data;
	size_t bytes;
	uint64_t address;
	struct cfi_common common; /* the last one needed */
};

/* An entry (FDE): the text it describes, [start, end), and its place in the section. */
struct cfi_entry {
	uint64_t start, end;
	size_t at;
	uint64_t pads; /* where its table of exceptions is (unwind_pads.h); 0 without one */
};

/* An encoded address, as entries have it; `address` is that of the place where it stands. */
uint64_t cfi_take_encoded(struct cursor *c, uint8_t encoding, uint64_t address);

/* The next entry from `*at` on, which moves behind it; false at the section's end. */
bool cfi_next(struct cfi *c, size_t *at, struct cfi_entry *ret);

typedef int (*cfi_row)(void *context, uint64_t address, struct unwind_rule rule);

/* The entry's rows in order, from `from` on; ends with what `row` returns unless that is 0. */
int cfi_rows(struct cfi *c, const struct cfi_entry *entry, uint64_t from, cfi_row row,
	     void *context);

/* The state as a rule of a table; UNWIND_CFA_UNKNOWN when a table cannot say it. */
struct unwind_rule cfi_table_rule(const struct cfi_state *state, bool signal);

#endif
