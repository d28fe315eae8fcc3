/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Whom a recording is about, where it is not about everybody. */
#ifndef CAIRN_KERNEL_TARGET_BPF_H
#define CAIRN_KERNEL_TARGET_BPF_H

#include "kernel/vmlinux_min.h"

#include <bpf/bpf_helpers.h>

/* Set before loading. */
const volatile bool only_targets = false;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u8);
} targets SEC(".maps");

static __always_inline bool is_target(__u32 tgid)
{
	return bpf_map_lookup_elem(&targets, &tgid) != NULL;
}

static __always_inline bool current_is_target(void)
{
	return is_target(bpf_get_current_pid_tgid() >> 32);
}

static __always_inline bool current_is_left_out(void)
{
	return only_targets && !current_is_target();
}

#endif
