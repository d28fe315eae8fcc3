/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* cairn_lines: lines of source in the kernel's own call traces. The device, and a task's trace. */
#include "kline_hook.h"
#include "kline_port.h"
#include "kline_store.h"
#include "kline_text.h"

static long device_load(void __user *argument)
{
	struct lines_load load;
	if (copy_from_user(&load, argument, sizeof(load)))
		return -EFAULT;
	load.reply = LINES_REPLY_FINE;
	long failed = kline_store_load(&load);
	return copy_to_user(argument, &load, sizeof(load)) ? -EFAULT : failed;
}

static unsigned long own_bytes(void)
{
	unsigned long start, text, notes, data;
	kline_module_text(THIS_MODULE, false, &start, &text);
	kline_module_notes(THIS_MODULE, &notes, &data);
	return text + data;
}

static long device_status(void __user *argument)
{
	struct lines_status status = {.bytes = own_bytes(), .hooks = kline_hooks_set()};
	kline_store_status(&status);
	kline_text_status(&status);
	return copy_to_user(argument, &status, sizeof(status)) ? -EFAULT : 0;
}

static long device_ioctl(struct file *file, unsigned int asked, unsigned long argument)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (asked == LINES_DEVICE_LOAD)
		return device_load((void __user *)argument);
	if (asked == LINES_DEVICE_STATUS)
		return device_status((void __user *)argument);
	if (asked != LINES_DEVICE_UNLOAD)
		return -ENOTTY;
	kline_store_unload();
	return 0;
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = LINES_DEVICE_NAME,
	.mode = 0600,
	.fops = &device_operations,
};

/* `echo PID >/sys/kernel/debug/cairn/backtrace`: its stack in the log. */
static ssize_t backtrace_write(struct file *file, const char __user *text, size_t bytes, loff_t *at)
{
	int pid;
	int failed = kstrtoint_from_user(text, bytes, 10, &pid);
	if (failed)
		return failed;
	struct pid *found = find_get_pid(pid);
	struct task_struct *task = get_pid_task(found, PIDTYPE_PID);
	put_pid(found);
	if (!task)
		return -ESRCH;
	sched_show_task(task);
	put_task_struct(task);
	return bytes;
}

static const struct file_operations backtrace_operations = {
	.owner = THIS_MODULE,
	.write = backtrace_write,
};

static struct dentry *folder;

static int __init kline_init(void)
{
	int failed = kline_store_init();
	if (failed)
		return failed;
	failed = misc_register(&device);
	if (failed) {
		kline_store_deinit();
		return failed;
	}
	folder = debugfs_create_dir("cairn", NULL);
	debugfs_create_file("backtrace", 0200, folder, NULL, &backtrace_operations);
	kline_hooks_init();
	return 0;
}

static void __exit kline_exit(void)
{
	kline_hooks_deinit();
	debugfs_remove(folder);
	misc_deregister(&device);
	kline_store_deinit();
}

module_init(kline_init);
module_exit(kline_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Lines of source in the kernel's own call traces");
MODULE_VERSION("0.1.0");
