/* SPDX-License-Identifier: MIT */
/*
 * Which way a probe can be put at an address of a file's code: by a jump over whole instructions,
 * by a punned jump, or by the kernel's uprobe alone. Reads code, changes nothing.
 *
 * P1  No known branch leads behind the first byte that is overwritten. Known are direct branches,
 *     addresses that code or data name, tables of offsets that code takes the address of, and
 *     what the image says. A function that jumps to computed places in itself has a branch
 *     everywhere; code that does not decode, or is in no function, has those of all its readings.
 * P2  A site and all that is overwritten lie in a function that decodes from start to end, or in
 *     the gap behind it, if that is padding up to the next function.
 * P3  A punned jump overwrites whole instructions too, of fewer than five bytes; the rest of its
 *     distance are the bytes behind them, as they are. So it leads into a window.
 */
#ifndef CAIRN_PATCH_PATCH_PLAN_H
#define CAIRN_PATCH_PATCH_PLAN_H

#include "insn/insn_move.h"
#include "util/err.h"

struct patch_range {
	uint64_t start, end;
};

struct patch_bytes {
	const uint8_t *data;
	uint64_t address;
	size_t bytes;
};

/* As linked. Everything must outlive the code made of it. */
struct patch_image {
	struct patch_bytes text;             /* all of the file's code */
	const struct patch_range *functions; /* of the text, sorted by start */
	size_t function_count;
	const uint64_t *targets; /* where else control may come: landing pads of exceptions */
	size_t target_count;
	const struct patch_range *sequences; /* restartable: they run where they are, or not */
	size_t sequence_count;
	const struct patch_bytes *data; /* whatever else is loaded from the file */
	size_t data_count;
	bool is_fixed; /* runs where it was linked, so that plain numbers are addresses */
};

enum patch_way {
	PATCH_JUMP,
	PATCH_PUNNED,
	PATCH_SHARED, /* in what the jump of another place moves (patch_place.h) */
	PATCH_UPROBE,
	PATCH_NOWHERE, /* not even the kernel may write here */
};

/* Why a jump is not possible. */
enum patch_reason {
	PATCH_POSSIBLE,
	PATCH_NO_FUNCTION,   /* not in a function, or in one that does not decode */
	PATCH_NO_BOUNDARY,   /* between two instructions' starts */
	PATCH_BRANCH_INSIDE, /* P1 */
	PATCH_NOT_MOVABLE,   /* an instruction cannot stand elsewhere, or the function ends */
	PATCH_CALL_KEPT,     /* a shadow stack forbids to push a return address for a call */
	PATCH_NEIGHBOUR,     /* it would need bytes that the jump of another place needs */
	PATCH_IN_SEQUENCE, /* the kernel would not know an instruction elsewhere to be part of it */
	PATCH_FOREIGN,     /* in the process there is something else than in the file */
	PATCH_REASONS,
};

struct patch_plan {
	enum patch_way way;
	enum patch_reason reason;
	struct insn_run run;       /* what is moved; nothing for a uprobe */
	struct patch_range window; /* P3: where the punned jump can lead, as linked */
};

struct patch_code;

int patch_code_create(const struct patch_image *image, struct patch_code **ret, struct err *e);
void patch_code_destroy(struct patch_code *c);

/* The first instruction from `*address` in its function; false at the function's end. */
bool patch_code_next(const struct patch_code *c, uint64_t *address);

/* Where a probe on entry belongs: behind the landing pad of indirect branches, if there is one. */
uint64_t patch_code_entry(const struct patch_code *c, uint64_t function);

void patch_plan_site(const struct patch_code *c, uint64_t address, struct patch_plan *ret);

const char *patch_reason_text(enum patch_reason reason);

#endif
