/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Takes the place of the kernel functions that print call traces. */
#ifndef CAIRN_KLINE_HOOK_H
#define CAIRN_KLINE_HOOK_H

#include "kline_port.h"

/* A hook that is refused (a live patch holds the function) is left out, with a word in the log. */
void kline_hooks_init(void);
void kline_hooks_deinit(void);

/* As in struct lines_status. */
u32 kline_hooks_set(void);

#endif
