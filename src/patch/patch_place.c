/* SPDX-License-Identifier: MIT */
#include "patch/patch_place.h"
#include "insn/insn_emit.h"

static bool is_host(const struct patch_place *place)
{
	return place->plan.way == PATCH_JUMP || place->plan.way == PATCH_PUNNED;
}

size_t patch_place_bytes(const struct patch_place *place)
{
	if (!is_host(place))
		return 0;
	size_t bytes = place->plan.run.bytes;
	return bytes < INSN_JUMP_BYTES ? INSN_JUMP_BYTES : bytes;
}

static void refuse(struct patch_place *place, enum patch_way way, enum patch_reason reason)
{
	place->plan = (struct patch_plan){.way = way, .reason = reason};
}

static void plan_alone(const struct patch_code *c, bool keeps_calls, struct patch_place *place)
{
	patch_plan_site(c, place->address, &place->plan);
	place->index = 0;
	if (!keeps_calls || !is_host(place))
		return;
	const struct insn_run *run = &place->plan.run;
	unsigned last = run->insns[run->count - 1].class;
	if (last == INSN_CALL || last == INSN_CALL_ANY)
		refuse(place, PATCH_UPROBE, PATCH_CALL_KEPT);
}

/* P4: between two instructions of the run, or in padding, there is no place at all. */
static void share(const struct patch_place *places, size_t host, struct patch_place *place)
{
	const struct insn_run *run = &places[host].plan.run;
	refuse(place, PATCH_NOWHERE, PATCH_NO_BOUNDARY);
	for (unsigned i = 0; i < run->count; i++) {
		if (run->insns[i].address != place->address)
			continue;
		refuse(place, PATCH_SHARED, PATCH_POSSIBLE);
		place->host = host;
		place->index = i;
	}
}

void patch_place_plan(const struct patch_code *c, bool keeps_calls, struct patch_place *places,
		      size_t count)
{
	size_t host = count, gives_way = count;
	for (size_t i = 0; i < count; i++) {
		struct patch_place *place = &places[i];
		uint64_t from_host = host < i ? place->address - places[host].address : UINT64_MAX;
		if (host < i && from_host < places[host].plan.run.bytes) {
			share(places, host, place);
		} else if (host < i && from_host < patch_place_bytes(&places[host])) {
			gives_way = host; /* P4: and those that shared its jump are planned anew */
			i = host - 1;
			host = count;
		} else {
			plan_alone(c, keeps_calls, place);
			if (i == gives_way)
				refuse(place, PATCH_UPROBE, PATCH_NEIGHBOUR);
			host = is_host(place) ? i : count;
		}
	}
}
