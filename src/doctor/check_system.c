/* SPDX-License-Identifier: MIT */
/* tracefs, kernel probes, the clock. */
#include "doctor/check.h"
#include "kernel/dynamic_event.h"
#include "kernel/tracefs.h"
#include "util/cleanup.h"

#include <cpuid.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int try_tracefs(struct text *detail, struct err *e)
{
	const char *tracefs;
	int status = tracefs_find(&tracefs, e);
	if (status == 0)
		text_print(detail, "at %s", tracefs);
	return status;
}

/* The caller removes it. */
static int make_instance(char path[static 256], struct err *e)
{
	const char *tracefs;
	int status = tracefs_find(&tracefs, e);
	if (status < 0)
		return status;
	snprintf(path, 256, "%s/instances/cairn-%d-probing", tracefs, getpid());
	return mkdir(path, 0700) ? err_errno(e, "%s/instances takes no directory", tracefs) : 0;
}

static int try_instance(struct text *detail, struct err *e)
{
	(void)detail;
	char path[256];
	int status = make_instance(path, e);
	if (status < 0)
		return status;
	status = tracefs_write("1", e, "%s/events/sched/sched_switch/enable", path);
	tracefs_write("0", NULL, "%s/events/enable", path);
	if (rmdir(path) && status == 0)
		status = err_errno(e, "the instance cannot be removed again");
	return status;
}

static int try_filter(struct text *detail, struct err *e)
{
	(void)detail;
	char path[256];
	int status = make_instance(path, e);
	if (status < 0)
		return status;
	status = tracefs_write("prev_prio < 100", e, "%s/events/sched/sched_switch/filter", path);
	rmdir(path);
	return status;
}

const struct check checks_tracefs[] = {
	{"mounted and readable", try_tracefs,
	 "Tracepoints can be neither listed nor recorded by name.",
	 "Run as root once: mount -t tracefs tracefs /sys/kernel/tracing; a group is granted by "
	 "-o remount,mode=750,gid=GROUP."},
	{"an instance of its own", try_instance, "The tracefs recorder cannot run.",
	 "Run as root: instances are directories that root makes."},
	{"filters", try_filter, "Conditions cost more with the tracefs recorder.", "Run as root."},
	{0},
};

/* A dynamic perf event: its type's number stands in sysfs. */
static int probe_event(const char *pmu, uint64_t config1, uint64_t config2, struct err *e)
{
	CLEANUP_TEXT struct text type = {0};
	int status = tracefs_read(&type, e, "/sys/bus/event_source/devices/%s/type", pmu);
	if (status < 0)
		return status;
	struct perf_event_attr attr = {.size = sizeof(attr),
				       .type = (uint32_t)strtoul(type.data, NULL, 10),
				       .disabled = 1,
				       .config1 = config1,
				       .config2 = config2};
	CLEANUP(fd)
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? err_errno(e, "the kernel does not place a %s", pmu) : 0;
}

static int try_kprobe(struct text *detail, struct err *e)
{
	(void)detail;
	const char *tracefs;
	if (tracefs_find(&tracefs, NULL) == 0) {
		int status = dynamic_event_kernel_allows(tracefs, e);
		if (status < 0)
			return status;
	}
	/* A function that only the kernel's own tests call. */
	return probe_event("kprobe", (uint64_t)(uintptr_t) "bpf_fentry_test1", 0, e);
}

__attribute__((noinline)) static void here(void)
{
	__asm__ volatile("nop");
}

/* Where in which file this program's own code lies. */
static int find_here(char path[static PATH_MAX], uint64_t *offset_ret, struct err *e)
{
	CLEANUP(stream) FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, offset;
	char line[768];
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %511s", &start, &end, &offset, path) !=
			    4 ||
		    (uintptr_t)here < start || (uintptr_t)here >= end)
			continue;
		*offset_ret = (uintptr_t)here - start + offset;
		return 0;
	}
	return err_set(e, ENOENT, "this program's own file is not found in /proc/self/maps");
}

static int try_uprobe(struct text *detail, struct err *e)
{
	(void)detail;
	char path[PATH_MAX];
	uint64_t offset;
	int status = find_here(path, &offset, e);
	return status < 0 ? status : probe_event("uprobe", (uint64_t)(uintptr_t)path, offset, e);
}

/* What `record -e kprobe:` and uprobe: make, of this program's own code. */
static int make_event(struct dynamic_events *made, struct err *e)
{
	char path[PATH_MAX], place[PATH_MAX + 32], name[DYNAMIC_EVENT_NAME_BYTES];
	uint64_t offset;
	int status = find_here(path, &offset, e);
	if (status < 0)
		return status;
	snprintf(place, sizeof(place), "%s:%#llx", path, (unsigned long long)offset);
	const struct dynamic_event event = {
		.wish = "here", .place = place, .fetch = "", .called = "a uprobe"};
	return dynamic_event_make(made, &event, name, e);
}

static int try_event(struct text *detail, struct err *e)
{
	(void)detail;
	struct dynamic_events made = {0};
	int status = make_event(&made, e);
	dynamic_events_remove(&made);
	return status;
}

const struct check checks_probes[] = {
	{"kernel function (kprobe)", try_kprobe,
	 "`record -e kprobe:FUNC` has nothing to offer; tracepoints it has.",
	 "Run as root, on a kernel that lets its code be patched (CONFIG_KPROBES)."},
	{"program function (uprobe)", try_uprobe,
	 "`record -e uprobe:FILE:FUNC` has nothing to offer; markers it has.",
	 "Run as root, or with CAP_PERFMON and CAP_SYS_ADMIN."},
	{"a probe as an event", try_event, "Probes of the kernel's cannot be recorded.",
	 "Run as root: they are made by writing to tracefs."},
	{0},
};

static int try_clocksource(struct text *detail, struct err *e)
{
	CLEANUP_TEXT struct text name = {0};
	int status = tracefs_read(
		&name, e, "/sys/devices/system/clocksource/clocksource0/current_clocksource");
	if (status < 0)
		return status;
	name.data[strcspn(name.data, "\n")] = 0;
	text_print(detail, "%s", name.data);
	bool fast = !strcmp(name.data, "tsc") || !strcmp(name.data, "kvm-clock") ||
		    !strcmp(name.data, "arch_sys_counter");
	return fast ? 0 : 1;
}

static int try_tsc(struct text *detail, struct err *e)
{
	unsigned a, b, c, d = 0;
	(void)detail;
	if (!__get_cpuid(0x80000007, &a, &b, &c, &d) || !(d & 1u << 8))
		return err_set(e, ENOTSUP, "this cpu does not promise it");
	return 0;
}

static int try_rseq(struct text *detail, struct err *e)
{
	if (!__rseq_size)
		return err_set(e, ENOSYS, "the C library did not register this thread");
	text_print(detail, "registered by the C library, %u bytes", __rseq_size);
	return 0;
}

const struct check checks_clock[] = {
	{"clock source", try_clocksource,
	 "Reading this clock is slow: every event costs more, by up to a microsecond.",
	 "Choose another in /sys/devices/system/clocksource/clocksource0, if the machine offers "
	 "one."},
	{"constant time-stamp counter", try_tsc,
	 "User events must ask the kernel for the time, which costs them tens of ns.", NULL},
	{"restartable sequences", try_rseq, "Markers in programs use a slower way into the ring.",
	 "Use glibc 2.35 or newer, without glibc.pthread.rseq=0 in GLIBC_TUNABLES."},
	{0},
};
