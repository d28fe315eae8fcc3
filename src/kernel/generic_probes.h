/* SPDX-License-Identifier: MIT */
/* The plan's probes in the BPF recorder: the host side of generic_probe.bpf.h. */
#ifndef CAIRN_KERNEL_GENERIC_PROBES_H
#define CAIRN_KERNEL_GENERIC_PROBES_H

#include "kernel/rung.h"

struct bpf_object;

/* Between opening the recorder's object and loading it. */
int generic_probes_prepare(struct bpf_object *object, const struct plan *plan, struct err *e);

/* Once, before the first. */
int generic_probes_connect(struct bpf_object *object, const struct plan *plan, struct err *e);

/*
 * Tells the programs of one probe; `*filter_fd_ret` is the program of its condition, −1 without
 * one. The result is the program to attach.
 */
int generic_probes_add(struct bpf_object *object, const struct plan_event *event, uint32_t index,
		       int *filter_fd_ret, struct err *e);

#endif
