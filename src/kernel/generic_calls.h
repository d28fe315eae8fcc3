/* SPDX-License-Identifier: MIT */
/* The plan's tracepoints of single system calls, without a condition: generic_call.bpf.h. */
#ifndef CAIRN_KERNEL_GENERIC_CALLS_H
#define CAIRN_KERNEL_GENERIC_CALLS_H

#include "kernel/rung.h"

struct bpf_object;
struct bpf_link;

struct generic_calls {
	struct bpf_link *links[2]; /* entry, exit */
};

/* Whether this event is recorded here. */
bool generic_calls_has(const struct plan_event *event);

void generic_calls_prepare(struct bpf_object *object, const struct plan *plan);
int generic_calls_attach(struct generic_calls *g, struct bpf_object *object,
			 const struct plan *plan, struct err *e);
void generic_calls_detach(struct generic_calls *g);

#endif
