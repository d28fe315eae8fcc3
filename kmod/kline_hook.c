/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Functions are found by name, through ftrace; they need not be exported. All of them run only
 * when a trace is printed: until then nothing here runs. No replaced function is called by its
 * address, which an indirect branch may not reach where the kernel seals what is never called so.
 */
#include "kline_hook.h"
#include "kline_text.h"

/* sprint_backtrace_build_id(), "%pBb": a frame of a trace. "%pB" is the same without us. */
static int print_frame(char *text, unsigned long address)
{
	unsigned int used = scnprintf(text, KSYM_SYMBOL_LEN, "%pB", (void *)address);
	return kline_append(text, used, KSYM_SYMBOL_LEN, address, true);
}

/* stack_trace_print(): a trace that was saved before, as KASAN's. */
static void print_saved(const unsigned long *entries, unsigned int count, int spaces)
{
	char text[KSYM_SYMBOL_LEN];
	kline_count_trace();
	for (unsigned int i = 0; entries && i < count; i++) {
		sprint_symbol(text, entries[i]);
		kline_append(text, strlen(text), sizeof(text), entries[i], true);
		printk("%*c%s\n", 1 + spaces, ' ', text);
	}
}

static unsigned long show_opcodes_at;

static void print_ip(struct pt_regs *regs, const char *level)
{
	char text[KSYM_SYMBOL_LEN];
	sprint_symbol(text, regs->ip);
	if (!user_mode(regs))
		kline_append(text, strlen(text), sizeof(text), regs->ip, false);
	printk("%sRIP: %04x:%s\n", level, (int)regs->cs, text);
}

static void redirect(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
		     struct ftrace_regs *fregs)
{
	kline_regs_go_to(fregs, (unsigned long)ops->private);
}

/* show_ip(): what it prints first is printed here, then the rest of it, with its arguments. */
static void at_show_ip(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
		       struct ftrace_regs *fregs)
{
	const struct pt_regs *own = ftrace_get_regs(fregs);
	if (!own)
		return;
	print_ip((struct pt_regs *)own->di, (const char *)own->si);
	kline_regs_go_to(fregs, show_opcodes_at);
}

#ifdef KLINE_INLINED_INTO
/* The RIP line is printed before the kernel's own, which then comes without a line of source. */
static void at_regs(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
		    struct ftrace_regs *fregs)
{
	const struct pt_regs *own = ftrace_get_regs(fregs);
	if (own && !user_mode((struct pt_regs *)own->di))
		print_ip((struct pt_regs *)own->di, (const char *)own->si);
}
#endif

static void at_trace(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
		     struct ftrace_regs *fregs)
{
	kline_count_trace();
}

enum { REPLACES = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY };

static struct hook {
	char *name;
	struct ftrace_ops ops;
	bool is_set;
} hooks[] = {
	{"sprint_backtrace_build_id",
	 {.func = redirect, .flags = REPLACES, .private = print_frame}},
	{"show_ip", {.func = at_show_ip, .flags = REPLACES}},
	{"stack_trace_print", {.func = redirect, .flags = REPLACES, .private = print_saved}},
	{KLINE_SHOW_TRACE, {.func = at_trace}},
#ifdef KLINE_INLINED_INTO
	{KLINE_INLINED_INTO, {.func = at_regs, .flags = FTRACE_OPS_FL_SAVE_REGS}},
#endif
};

static void opcodes_find(void)
{
	struct kprobe probe = {.symbol_name = "show_opcodes"};
	if (register_kprobe(&probe))
		return;
	show_opcodes_at = (unsigned long)probe.addr;
	unregister_kprobe(&probe);
}

void kline_hooks_init(void)
{
	opcodes_find();
	for (struct hook *h = hooks; h < hooks + ARRAY_SIZE(hooks); h++) {
		int failed = h->ops.func == at_show_ip && !show_opcodes_at ? -ENOENT : 0;
		if (!failed)
			failed = ftrace_set_filter(&h->ops, h->name, strlen(h->name), 0);
		if (!failed)
			failed = register_ftrace_function(&h->ops);
		h->is_set = !failed;
		if (failed)
			pr_warn("cairn_lines: %s() cannot be hooked (%d)%s\n", h->name, failed,
				failed == -EBUSY ? ": a live patch holds it" : "");
	}
}

void kline_hooks_deinit(void)
{
	for (struct hook *h = hooks; h < hooks + ARRAY_SIZE(hooks); h++) {
		if (h->is_set)
			unregister_ftrace_function(&h->ops);
		ftrace_free_filter(&h->ops);
	}
}

u32 kline_hooks_set(void)
{
	return hooks[0].is_set | hooks[1].is_set << 1 | hooks[2].is_set << 2;
}
