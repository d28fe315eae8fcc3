/* SPDX-License-Identifier: MIT */
/* Rights, and who else is at work. */
#include "doctor/check.h"
#include "kernel/clean.h"
#include "kernel/tracefs.h"
#include "util/cleanup.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static int try_capabilities(struct text *detail, struct err *e)
{
	static const struct {
		unsigned bit;
		const char *name;
	} wanted[] = {{39, "CAP_BPF"},
		      {38, "CAP_PERFMON"},
		      {2, "CAP_DAC_READ_SEARCH"},
		      {19, "CAP_SYS_PTRACE"}};
	CLEANUP_TEXT struct text status = {0};
	uint64_t held = 0;
	if (tracefs_read(&status, e, "/proc/self/status") < 0)
		return -e->code;
	const char *line = strstr(status.data, "CapEff:");
	if (!line || sscanf(line, "CapEff: %" SCNx64, &held) != 1)
		return err_set(e, EINVAL, "/proc/self/status does not tell them");
	if (held & 1ull << 21)
		held = UINT64_MAX; /* CAP_SYS_ADMIN stands for the first two, root for all */
	bool missing = false;
	text_print(detail, "uid %u, missing:", geteuid());
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		if (held & 1ull << wanted[i].bit)
			continue;
		text_print(detail, " %s", wanted[i].name);
		missing = true;
	}
	if (!missing) {
		text_clear(detail);
		text_print(detail, "uid %u, nothing missing", geteuid());
	}
	return missing;
}

static int try_paranoid(struct text *detail, struct err *e)
{
	CLEANUP_TEXT struct text value = {0};
	int status = tracefs_read(&value, e, "/proc/sys/kernel/perf_event_paranoid");
	if (status < 0)
		return status;
	text_print(detail, "%d", atoi(value.data));
	return atoi(value.data) > 2 && geteuid() != 0;
}

static int try_lockdown(struct text *detail, struct err *e)
{
	CLEANUP_TEXT struct text value = {0};
	char mode[32] = "none";
	(void)e;
	if (tracefs_read(&value, NULL, "/sys/kernel/security/lockdown") < 0) {
		text_print(detail, "not told (securityfs is not readable)");
		return 0;
	}
	const char *chosen = strchr(value.data, '[');
	if (chosen)
		sscanf(chosen, "[%31[^]]]", mode);
	text_print(detail, "%s", mode);
	return !strcmp(mode, "confidentiality");
}

static int try_kallsyms(struct text *detail, struct err *e)
{
	CLEANUP(stream) FILE *file = fopen("/proc/kallsyms", "re");
	uint64_t addr = 0;
	char line[256];
	(void)detail;
	for (int i = 0; file && i < 64 && !addr && fgets(line, sizeof(line), file); i++)
		sscanf(line, "%" SCNx64, &addr);
	return addr ? 0 : err_set(e, EPERM, "/proc/kallsyms shows no addresses");
}

static int try_debug_information(struct text *detail, struct err *e)
{
	static const char *const places[] = {"/usr/lib/debug/boot/vmlinux-%s",
					     "/usr/lib/debug/lib/modules/%s/vmlinux",
					     "/lib/modules/%s/build/vmlinux", "/boot/vmlinux-%s"};
	struct utsname name;
	char path[512];
	uname(&name);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), places[i], name.release);
		if (access(path, R_OK))
			continue;
		text_print(detail, "%s", path);
		return 0;
	}
	return err_set(e, ENOENT, "there is no vmlinux of %s on this machine", name.release);
}

const struct check checks_rights[] = {
	{"capabilities", try_capabilities,
	 "Without CAP_BPF and CAP_PERFMON the BPF recorder is refused; without the others, other "
	 "people's processes stay without names of files and libraries.",
	 "Run as root, or: setcap cap_bpf,cap_perfmon,cap_dac_read_search,cap_sys_ptrace+ep "
	 "/path/to/cairn."},
	{"perf_event_paranoid", try_paranoid, "Perf events need CAP_PERFMON.",
	 "sysctl kernel.perf_event_paranoid=2"},
	{"lockdown", try_lockdown,
	 "The kernel hides its memory: tracefs, kprobes and reading of texts are gone.",
	 "Boot without lockdown=confidentiality."},
	{"kernel symbols", try_kallsyms, "Kernel addresses stay numbers.",
	 "Run as root, or: sysctl kernel.kptr_restrict=0 and CAP_SYSLOG."},
	{"kernel debug information", try_debug_information,
	 "Kernel functions have names, but no source lines.",
	 "Install the kernel's debug package (Debian: linux-image-$(uname -r)-dbg)."},
	{0},
};

/* -1 without the right to look. */
static int count_tracing_programs(void)
{
	int count = 0;
	for (uint32_t id = 0; bpf_prog_get_next_id(id, &id) == 0;) {
		struct bpf_prog_info info = {0};
		uint32_t bytes = sizeof(info);
		CLEANUP(fd) int fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &bytes))
			continue;
		count += info.type == BPF_PROG_TYPE_KPROBE || info.type == BPF_PROG_TYPE_TRACING ||
			 info.type == BPF_PROG_TYPE_TRACEPOINT ||
			 info.type == BPF_PROG_TYPE_RAW_TRACEPOINT;
	}
	return errno == ENOENT ? count : -1;
}

static bool is_recording(const char *path)
{
	CLEANUP_TEXT struct text value = {0};
	return tracefs_read(&value, NULL, "%s/events/enable", path) == 0 && value.data[0] != '0';
}

static int try_instances(struct text *detail, struct err *e)
{
	const char *tracefs;
	char path[512];
	unsigned busy = 0;
	if (tracefs_find(&tracefs, e) < 0) {
		text_print(detail, "not told to uid %u", geteuid());
		return 0;
	}
	snprintf(path, sizeof(path), "%s/instances", tracefs);
	DIR *directory = opendir(path);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/instances/%.200s", tracefs, entry->d_name);
		busy += is_recording(path);
	}
	if (directory)
		closedir(directory);
	bool main_buffer = is_recording(tracefs);
	text_print(detail, "%u instances%s", busy, main_buffer ? " and the main buffer" : "");
	return busy || main_buffer;
}

static int try_programs(struct text *detail, struct err *e)
{
	int count = count_tracing_programs();
	(void)e;
	if (count < 0) {
		text_print(detail, "not told to uid %u", geteuid());
		return 0;
	}
	text_print(detail, "%d", count);
	return count > 0;
}

static int try_leftovers(struct text *detail, struct err *e)
{
	(void)e;
	size_t removed = clean_instances();
	text_print(detail, removed ? "%zu, now removed" : "none", removed);
	return 0;
}

static int try_ftrace(struct text *detail, struct err *e)
{
	CLEANUP_TEXT struct text value = {0};
	int status = tracefs_read(&value, e, "/proc/sys/kernel/ftrace_enabled");
	if (status < 0)
		return status;
	text_print(detail, "%d", atoi(value.data));
	return !atoi(value.data);
}

const struct check checks_others[] = {
	{"trace buffers in use", try_instances,
	 "Somebody else records: every event both want costs both.", NULL},
	{"BPF tracing programs", try_programs,
	 "Somebody else's programs run at events: what they share with cairn's costs more.",
	 "`bpftool prog` names them."},
	{"kernel.ftrace_enabled", try_ftrace,
	 "Function tracing and fentry programs are switched off for everybody.",
	 "sysctl kernel.ftrace_enabled=1"},
	{"left by killed recordings", try_leftovers, "", NULL},
	{0},
};
