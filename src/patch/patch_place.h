/* SPDX-License-Identifier: MIT */
/*
 * Places that take their probes together: jumps of neighbours never overlap.
 *
 * P4  A place in what another one's jump moves shares that jump: its probe stands before its
 *     instruction's copy. A punned jump keeps the bytes behind it, so that it gives way to a place
 *     in them.
 */
#ifndef CAIRN_PATCH_PATCH_PLACE_H
#define CAIRN_PATCH_PATCH_PLACE_H

#include "patch/patch_plan.h"

struct patch_place {
	uint64_t address; /* the caller's; as linked */
	struct patch_plan plan;
	size_t host;    /* of a shared one: the index of the place with the jump */
	unsigned index; /* and of its instruction in that one's run; 0 for the rest */
};

/* How many bytes from its address on must stay as they are while the place is patched. */
size_t patch_place_bytes(const struct patch_place *place);

/*
 * Plans all of them; they are sorted by address and may be equal. `keeps_calls`: the process has a
 * shadow stack.
 */
void patch_place_plan(const struct patch_code *c, bool keeps_calls, struct patch_place *places,
		      size_t count);

#endif
