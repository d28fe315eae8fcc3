/* SPDX-License-Identifier: MIT */
/*
 * The plan's own tracepoints in the BPF recorder: the host side of generic.bpf.h.
 *
 * Each event gets one attachment of one program, generic_record; an event with a condition gets a
 * program compiled for it that goes on there when the condition holds.
 */
#ifndef CAIRN_KERNEL_GENERIC_H
#define CAIRN_KERNEL_GENERIC_H

#include "kernel/rung.h"

struct bpf_object;
struct generic;

/* Between opening the recorder's object and loading it: sizes maps, sets whether it is loaded. */
int generic_prepare(struct bpf_object *object, const struct plan *plan, struct err *e);

/*
 * Attaches all the plan's events to the loaded object; nothing is left attached on failure. The
 * kernel wants CAP_PERFMON and CAP_BPF for it.
 */
int generic_attach(struct generic **ret, struct bpf_object *object, const struct plan *plan,
		   struct err *e);
void generic_detach(struct generic *g);

/* What the kernel did not run a program for: recursion on one cpu. */
uint64_t generic_misses(const struct generic *g);

#endif
