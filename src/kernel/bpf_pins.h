/* SPDX-License-Identifier: MIT */
/*
 * Rings that outlive their recorder: their maps by name in the kernel's BPF file system.
 *
 * The programs that fill them are not kept: recording ends with the process, what it had recorded
 * stays in memory until somebody takes it. A set is a directory; whose it is and whether its maker
 * lives, others say (session/registry.h).
 */
#ifndef CAIRN_KERNEL_BPF_PINS_H
#define CAIRN_KERNEL_BPF_PINS_H

#include "kernel/bpf_rings.h"

struct bpf_object;

struct bpf_pins {
	struct bpf_rings rings;
	void *state; /* the recorder's variables, mapped */
	size_t state_bytes;
};

/* Keeps a loaded recorder's rings as `name`; mounts the file system where it is not. */
int bpf_pins_make(const char *name, struct bpf_object *object, struct err *e);

/* Nothing when there is nothing. Who has the rings open keeps them. */
void bpf_pins_remove(const char *name);

/* -ENOENT when nothing is kept as `name`. Waits until the rings' dead writers have gone. */
int bpf_pins_open(struct bpf_pins *ret, const char *name, struct err *e);
void bpf_pins_close(struct bpf_pins *p);

#endif
