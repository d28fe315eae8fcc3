/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Gets the kernel into trouble on demand: `echo warn >/sys/module/trouble/parameters/make`. */
#include <linux/module.h>
#include <linux/sched/debug.h>
#include <linux/stacktrace.h>

static noinline void trouble_warn(void)
{
	WARN(1, "trouble asked for");
}

static noinline void trouble_oops(volatile int *nowhere)
{
	*nowhere = 1;
}

static noinline void trouble_save(void)
{
	unsigned long entries[16];
	stack_trace_print(entries, stack_trace_save(entries, 16, 0), 1);
}

static int trouble_make(const char *what, const struct kernel_param *parameter)
{
	if (sysfs_streq(what, "warn"))
		trouble_warn();
	if (sysfs_streq(what, "oops"))
		trouble_oops(NULL);
	if (sysfs_streq(what, "save"))
		trouble_save();
	return 0;
}

static const struct kernel_param_ops trouble_ops = {.set = trouble_make};
module_param_cb(make, &trouble_ops, NULL, 0200);

static int __init trouble_init(void)
{
	dump_stack();
	return 0;
}

static void __exit trouble_exit(void)
{
}

module_init(trouble_init);
module_exit(trouble_exit);
MODULE_LICENSE("Dual MIT/GPL");
