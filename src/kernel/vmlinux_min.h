/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The members of kernel structures that cairn's BPF programs read, and nothing else: CO-RE finds
 * their places in the running kernel, so that a build needs no kernel's own type information.
 */
#ifndef CAIRN_KERNEL_VMLINUX_MIN_H
#define CAIRN_KERNEL_VMLINUX_MIN_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct thread_info {
	__u32 status;
	__u32 cpu;
};

struct mm_struct {
	unsigned long exec_vm; /* pages */
};

struct task_struct {
	struct thread_info thread_info;
	__u32 flags;
	int prio;
	int pid;
	int tgid;
	char comm[16];
	struct mm_struct *mm;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
};

struct pt_regs {
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long bp;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long cs;
	unsigned long sp;
};

struct hrtimer {
	void *function;
};

struct timer_list {
	void *function;
};

struct work_struct {
	void *func;
};

struct gendisk {
	int major;
	int first_minor;
};

struct request_queue {
	struct gendisk *disk;
};

struct request {
	struct request_queue *q;
	__u32 cmd_flags;
	__u32 __data_len;
	__u64 __sector;
};

struct linux_binprm {
	const char *filename;
};

#pragma clang attribute pop

enum {
	PF_IO_WORKER = 0x00000010, /* without user registers */
	PF_KTHREAD = 0x00200000,
};

#endif
