/* SPDX-License-Identifier: MIT */
/* The compiled recorder.bpf.c, embedded in the tool. */
#ifndef CAIRN_KERNEL_RECORDER_OBJECT_H
#define CAIRN_KERNEL_RECORDER_OBJECT_H

extern const unsigned char recorder_object[];
extern const unsigned char recorder_object_end[];

#endif
