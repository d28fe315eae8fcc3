/* SPDX-License-Identifier: MIT */
#include "analysis/cost.h"

/* Each account covers all since the start: the last one is the whole. */
static int cost_event(void *state, const struct event *e)
{
	struct cost *c = state;
	*c = (struct cost){
		.known = true,
		.cpu_ns = event_uint(e, STATE_RECORDER_CPU_NS),
		.probe_ns = event_uint(e, STATE_RECORDER_PROBE_NS),
		.wall_ns = event_uint(e, STATE_RECORDER_WALL_NS),
		.events = event_uint(e, STATE_RECORDER_EVENTS),
		.lost = event_uint(e, STATE_RECORDER_LOST),
		.misses = event_uint(e, STATE_RECORDER_MISSES),
	};
	return 0;
}

const struct analysis analysis_cost = {
	.name = "cost",
	.kinds = KIND(STATE_RECORDER),
	.state_bytes = sizeof(struct cost),
	.event = cost_event,
};
