/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The kernel as this module sees it: the only file that includes kernel headers and knows of
 * their versions.
 */
#ifndef CAIRN_KLINE_PORT_H
#define CAIRN_KLINE_PORT_H

#include <linux/debugfs.h>
#include <linux/elf.h>
#include <linux/ftrace.h>
#include <linux/hardirq.h>
#include <linux/io.h>
#include <linux/ioctl.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/debug.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/sort.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vmalloc.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
#include <linux/vmcore_info.h>
#else
#include <linux/crash_core.h>
#endif

/* The function that every call trace comes from; the one that show_ip() was compiled into. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define KLINE_SHOW_TRACE   "__show_trace_log_lvl"
#define KLINE_INLINED_INTO "show_iret_regs"
#else
#define KLINE_SHOW_TRACE "show_trace_log_lvl"
#endif

/* A module's code: for good, and that which goes after its initialization. */
static inline void kline_module_text(const struct module *mod, bool is_init,
				     unsigned long *start_ret, unsigned long *bytes_ret)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	const struct module_memory *memory = &mod->mem[is_init ? MOD_INIT_TEXT : MOD_TEXT];
	*start_ret = (unsigned long)memory->base;
	*bytes_ret = memory->size;
#else
	const struct module_layout *layout = is_init ? &mod->init_layout : &mod->core_layout;
	*start_ret = (unsigned long)layout->base;
	*bytes_ret = layout->text_size;
#endif
}

/* Its read-only data, which begin with the notes the linker made. */
static inline void kline_module_notes(const struct module *mod, unsigned long *start_ret,
				      unsigned long *bytes_ret)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	*start_ret = (unsigned long)mod->mem[MOD_RODATA].base;
	*bytes_ret = mod->mem[MOD_RODATA].size;
#else
	*start_ret = (unsigned long)mod->core_layout.base + mod->core_layout.text_size;
	*bytes_ret = mod->core_layout.ro_size - mod->core_layout.text_size;
#endif
}

static inline void kline_regs_go_to(struct ftrace_regs *fregs, unsigned long address)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	ftrace_regs_set_instruction_pointer(fregs, address);
#else
	ftrace_instruction_pointer_set(fregs, address);
#endif
}

#endif
