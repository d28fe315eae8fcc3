/* SPDX-License-Identifier: MIT */
/* The fixed-width integers, also where there is no libc: in BPF and the kernel. */
#ifndef CAIRN_BASE_FIXED_H
#define CAIRN_BASE_FIXED_H

#if defined(__KERNEL__)
#include <linux/types.h>
#elif !defined(__bpf__)
#include <stdbool.h>
#include <stdint.h>
#else
#include <linux/types.h>
#include <stdbool.h>
typedef __u8 uint8_t;
typedef __u16 uint16_t;
typedef __u32 uint32_t;
typedef __u64 uint64_t;
typedef __s8 int8_t;
typedef __s16 int16_t;
typedef __s32 int32_t;
typedef __s64 int64_t;
#endif

#endif
