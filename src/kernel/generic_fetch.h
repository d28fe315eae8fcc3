/* SPDX-License-Identifier: MIT */
#ifndef CAIRN_KERNEL_GENERIC_FETCH_H
#define CAIRN_KERNEL_GENERIC_FETCH_H

#include "kernel/generic_abi.h"
#include "kernel/rung.h"

/*
 * What a probe fetches, as tracefs was told ("fd=$arg1:s32 name=+0(+8(%di)):string") and with the
 * places its format file then gave, as generic_probe.bpf.h walks it. For x86-64.
 */
int generic_fetch_parse(struct generic_probe *ret, const struct plan_event *event, struct err *e);

#endif
