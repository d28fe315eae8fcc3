/* SPDX-License-Identifier: MIT */
/*
 * Linux 6.18 replaces a uprobe's breakpoint on a 5-byte nop by a call. The call pushes its return
 * address to where a function that calls nothing may keep values: the 128 bytes below the stack
 * pointer. Such a function then computes nonsense.
 */
#ifndef CAIRN_KPROBE_UPROBE_RISK_H
#define CAIRN_KPROBE_UPROBE_RISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the kernel of this release ("6.18.3-amd64") does that. */
bool uprobe_risk_of_kernel(const char *release);

/*
 * Whether the instruction at `site` of the function's code is such a nop, and the function keeps
 * values below its stack pointer.
 */
bool uprobe_risk_at(const uint8_t *code, size_t bytes, size_t site);

#endif
