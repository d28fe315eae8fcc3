/* SPDX-License-Identifier: MIT */
/* What a killed cairn left behind in the kernel; BPF programs and perf events go by themselves. */
#ifndef CAIRN_KERNEL_CLEAN_H
#define CAIRN_KERNEL_CLEAN_H

#include <stddef.h>

/*
 * Removes the tracefs instances whose cairn is dead (kernel/instance.h says how that is proved)
 * and returns how many. Without tracefs, or without the right to remove, there is nothing to do.
 */
size_t clean_instances(void);

/* The same for events that a dead cairn made (kernel/dynamic_event.h): how many groups went. */
size_t clean_dynamic_events(void);

#endif
