/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * User stacks in the kernel: walked by the tables of unwind/unwind_abi.h, without frame pointers.
 *
 * The tool fills `stack_space` with tables, `stack_mappings` with processes' executable mappings
 * and `stack_processes` with which of these are whose; what it finds missing this side tells in
 * `stack_misses`. A list counts only while its process has as much executable memory as when the
 * list was read: after a dlopen, a dlclose or an exec it must fail and not lie. A child begins
 * with its parent's list.
 *
 * One walk is a loop of calls of one global function, so that the verifier follows one step; all
 * of a walk's state is in a map's value, where no counter stays precise.
 */
#ifndef CAIRN_KERNEL_STACK_BPF_H
#define CAIRN_KERNEL_STACK_BPF_H

#include "event/known.h"
#include "kernel/recorder_abi.h"
#include "kernel/stack_abi.h"
#include "kernel/stack_memo.bpf.h"
#include "kernel/vmlinux_min.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

enum { STACK_WINDOW_BYTES = 1024, PAGE_BYTES = 4096, USER32_CS = 0x23 };

/* A walk's state. The window is the piece of the stack read last; 8 bytes of slack behind it. */
struct unwind_walk {
	struct recorder_site site;      /* what the walk is for */
	__u64 ip, sp, bp, bp_at, exact; /* struct unwind_regs, of the frame reached */
	__u64 hash;
	struct unwind_process process;
	struct unwind_mapping mapping; /* of the last frame */
	__u64 window_at;
	__u64 window_bytes;
	__u8 window[STACK_SPAN_BYTES + 8];
	__u32 why; /* enum unwind_result */
	__u32 busy;
	__u32 walked;            /* `site` is filled; else only its number is known, by the memo */
	struct stack_memo draft; /* of this walk */
};

/* sched_switch and sched_waking may come inside one another's walk, but not inside their own. */
enum stack_level { STACK_OF_SLEEPER, STACK_OF_WAKER, STACK_LEVELS };

struct stack_block {
	__u32 words[UNWIND_BLOCK_WORDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set before loading */
	__type(key, __u32);
	__type(value, struct stack_block);
} stack_space SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set before loading */
	__type(key, __u32);
	__type(value, struct unwind_mapping);
} stack_mappings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STACK_PROCESSES_MAX);
	__type(key, __u32); /* tgid */
	__type(value, struct unwind_process);
} stack_processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STACK_MISSES_MAX);
	__type(key, __u32);   /* tgid */
	__type(value, __u64); /* an address without a mapping; 0 = the whole list is missing */
} stack_misses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STACK_LEVELS);
	__type(key, __u32);
	__type(value, struct unwind_walk);
} stack_walks SEC(".maps");

/* Set before loading: false = only the innermost address. */
const volatile bool stacks = false;

static __always_inline const uint32_t *unwind_block(struct unwind_walk *w, uint32_t block)
{
	(void)w;
	struct stack_block *b = bpf_map_lookup_elem(&stack_space, &block);
	return b ? b->words : NULL;
}

static __always_inline const struct unwind_mapping *unwind_mapping_at(struct unwind_walk *w,
								      uint32_t index)
{
	(void)w;
	return bpf_map_lookup_elem(&stack_mappings, &index);
}

/*
 * Reads the stack in windows: one copy serves several frames. A window ends with its page, lest
 * bytes nobody asked for cost a fault.
 */
static __always_inline bool stack_window(struct unwind_walk *w, uint64_t address)
{
	__u64 bytes = PAGE_BYTES - (address & (PAGE_BYTES - 1));
	if (bytes < 8)
		bytes = 8;
	if (bytes > STACK_WINDOW_BYTES)
		bytes = STACK_WINDOW_BYTES;
	w->window_bytes = 0;
	if (bpf_probe_read_user(w->window, bytes, (void *)address))
		return false;
	w->window_at = address;
	w->window_bytes = bytes;
	return true;
}

/* The word at `address` into the walk's state; a global function, verified once. 0 = read. */
__noinline int stack_word(struct unwind_walk *w, __u64 address)
{
	if (!w)
		return 1;
	__u64 offset = address - w->window_at;
	if (offset >= STACK_SPAN_BYTES || offset + 8 > w->window_bytes) {
		if (!stack_window(w, address))
			return 1;
	}
	return 0;
}

static __always_inline bool unwind_read(struct unwind_walk *w, uint64_t address, uint64_t *word_ret)
{
	if (stack_word(w, address))
		return false;
	__u64 offset = (address - w->window_at) & (STACK_SPAN_BYTES - 1);
	*word_ret = *(__u64 *)(w->window + offset);
	return true;
}

static __always_inline void unwind_depend(struct unwind_walk *w, uint64_t address, uint64_t word)
{
	stack_memo_note(&w->draft, address, word);
}

#include "unwind/unwind_step.h"

static __always_inline bool stack_mapping(struct unwind_walk *w, __u64 address)
{
	if (address >= w->mapping.start && address < w->mapping.end)
		return true;
	const struct unwind_mapping *m = unwind_mapping_find(w, &w->process, address);
	if (!m)
		return false;
	w->mapping = *m;
	return true;
}

/* Notes the frame reached and goes to its caller's. 0 while there may be more. */
__noinline int stack_step(struct unwind_walk *w)
{
	if (!w)
		return 1;
	struct unwind_regs r = {w->ip, w->sp, w->bp, w->bp_at, w->exact};
	w->hash = (w->hash ^ r.ip) * 0x9e3779b97f4a7c15ull;
	w->hash ^= w->hash >> 32;
	w->site.ips[w->site.count & (RECORDER_FRAMES_MAX - 1)] = r.ip;
	w->site.count++;
	int why = UNWIND_CUT_MAPPING;
	if (stack_mapping(w, r.ip - !r.exact))
		why = unwind_up(w, &w->mapping, &r);
	w->ip = r.ip;
	w->sp = r.sp;
	w->bp = r.bp;
	w->bp_at = r.bp_at;
	w->exact = r.exact;
	w->why = why;
	return why;
}

__noinline int stack_walk(struct unwind_walk *w)
{
	if (!w)
		return 1;
#pragma nounroll
	for (int i = 0; i < RECORDER_FRAMES_MAX; i++) {
		if (stack_step(w))
			break;
	}
	return 0;
}

/* The number of the same stack walked before, 0 if there is none. Leaves the window behind. */
__noinline int stack_recall(struct unwind_walk *w)
{
	if (!w)
		return 0;
	const struct stack_memo *memo = stack_memo_at(w->draft.tgid, w->ip, w->sp);
	if (!memo || memo->ip != w->ip || memo->sp != w->sp || memo->tgid != w->draft.tgid ||
	    memo->generation != w->draft.generation || memo->syscall != w->draft.syscall ||
	    (memo->needs_bp && memo->bp != w->bp))
		return 0;
	__u64 bytes = memo->span_bytes;
	if (bytes < 8 || bytes > STACK_SPAN_BYTES ||
	    bpf_probe_read_user(w->window, bytes, (void *)w->sp))
		return 0;
	w->window_at = w->sp;
	w->window_bytes = bytes;
	return stack_memo_holds(memo, w->window) ? memo->site : 0;
}

static __always_inline void stack_miss(__u32 tgid, __u64 ip)
{
	if (!bpf_map_lookup_elem(&stack_misses, &tgid))
		bpf_map_update_elem(&stack_misses, &tgid, &ip, BPF_NOEXIST);
}

static __always_inline __u8 stack_flags(__u32 why)
{
	switch (why) {
	case UNWIND_COMPLETE:
		return SITE_COMPLETE;
	case UNWIND_CUT_MAPPING:
	case UNWIND_CUT_TABLE:
	case UNWIND_CUT_RULE:
		return SITE_NO_TABLE;
	case UNWIND_CUT_READ:
		return SITE_FAULT;
	}
	return 0;
}

/* The list of a process, if it still describes its memory. */
static __always_inline bool stack_process(struct unwind_walk *w, __u32 tgid, __u32 exec_pages)
{
	struct unwind_process *p = bpf_map_lookup_elem(&stack_processes, &tgid);
	if (p && p->exec_pages == exec_pages) {
		w->process = *p;
		return true;
	}
	stack_miss(tgid, 0);
	return false;
}

/* What a walk of this thread starts from. */
static __always_inline void stack_begin(struct unwind_walk *w, struct pt_regs *regs, __u32 tgid)
{
	__s64 nr = regs->orig_ax;
	w->ip = regs->ip;
	w->sp = regs->sp;
	w->bp = regs->bp;
	w->bp_at = 0;
	w->exact = nr < 0;
	w->hash = (__u64)tgid << 32 | (__u32)nr;
	w->site.pid = tgid;
	w->site.syscall = nr < 0 ? -1 : nr;
	w->site.count = 0;
	w->mapping.start = w->mapping.end = 0;
	w->window_bytes = 0;
	w->walked = 0;
	w->draft.ip = w->ip;
	w->draft.sp = w->sp;
	w->draft.bp = w->bp;
	w->draft.tgid = tgid;
	w->draft.syscall = w->site.syscall;
	w->draft.needs_bp = w->draft.count = 0;
	w->draft.span_bytes = 0;
}

/* Only the address the thread is at. */
static __always_inline void stack_innermost(struct unwind_walk *w)
{
	w->hash = (w->hash ^ w->ip) * 0x9e3779b97f4a7c15ull;
	w->hash ^= w->hash >> 32;
	w->site.ips[0] = w->ip;
	w->site.count = 1;
	w->why = UNWIND_CUT_TABLE;
}

/* The site's number from what was found; a global function, as two places need it. */
__noinline int stack_number(struct unwind_walk *w)
{
	if (!w)
		return 0;
	w->site.flags = stack_flags(w->why);
	w->site.site = ((__u32)w->hash ^ w->site.flags) | 1;
	w->walked = 1;
	if (w->why == UNWIND_CUT_MAPPING) {
		stack_miss(w->site.pid, w->ip);
	} else if (w->why != UNWIND_CUT_READ) {
		w->draft.site = w->site.site;
		stack_memo_keep(&w->draft);
	}
	return w->site.site;
}

/*
 * The number of the site where the thread is in its program; stack_site() has the site, until
 * stack_done(). NULL for threads without user memory, and when this level is busy. The thread's
 * memory must be loaded: current, or prev at sched_switch; never from an interrupt. `*arg_ret` is
 * the system call's first argument.
 */
static __always_inline struct unwind_walk *stack_of(struct task_struct *task,
						    enum stack_level level, __u32 *number_ret,
						    __u64 *arg_ret)
{
	__u32 key = level;
	struct mm_struct *mm = task->mm;
	if (task->flags & (PF_KTHREAD | PF_IO_WORKER) || !mm)
		return NULL;
	struct unwind_walk *w = bpf_map_lookup_elem(&stack_walks, &key);
	if (!w || w->busy)
		return NULL;
	w->busy = 1;
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	__u32 tgid = task->tgid;
	*arg_ret = (__s64)regs->orig_ax >= 0 ? regs->di : 0;
	stack_begin(w, regs, tgid);
	if (stacks && regs->cs != USER32_CS && stack_process(w, tgid, mm->exec_vm)) {
		w->draft.generation = w->process.generation;
		*number_ret = stack_recall(w);
		if (*number_ret)
			return w;
		stack_walk(w);
	} else {
		stack_innermost(w);
	}
	*number_ret = stack_number(w);
	return w;
}

/* The site itself; walks what the memo spared. */
static __always_inline struct recorder_site *stack_site(struct unwind_walk *w)
{
	if (!w->walked) {
		stack_walk(w);
		stack_number(w);
	}
	return &w->site;
}

static __always_inline void stack_done(struct unwind_walk *w)
{
	w->busy = 0;
}

/* A new process has its parent's memory, hence its list; never that of an older namesake. */
static __always_inline void stack_fork(__u32 parent, __u32 child)
{
	if (!stacks || parent == child)
		return;
	struct unwind_process *p = bpf_map_lookup_elem(&stack_processes, &parent);
	if (p)
		bpf_map_update_elem(&stack_processes, &child, p, BPF_ANY);
	else
		bpf_map_delete_elem(&stack_processes, &child);
}

/* The process is gone, or has become another program. */
static __always_inline void stack_forget(__u32 tgid)
{
	if (stacks)
		bpf_map_delete_elem(&stack_processes, &tgid);
}

#endif
