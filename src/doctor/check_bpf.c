/* SPDX-License-Identifier: MIT */
/* What the BPF recorder is built from, piece by piece, so that a refusal has a name. */
#include "doctor/check.h"
#include "kernel/tracefs.h"
#include "util/cleanup.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define RETURN_0                                                                                   \
	{.code = BPF_ALU64 | BPF_MOV | BPF_K},                                                     \
	{                                                                                          \
		.code = BPF_JMP | BPF_EXIT                                                         \
	}
#define CALL(helper)                                                                               \
	{                                                                                          \
		.code = BPF_JMP | BPF_CALL, .imm = (helper)                                        \
	}
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct bpf_insn nothing[] = {RETURN_0};

/* A kernel function made to be traced in tests: nothing ever calls it. */
static const char *const quiet_function = "bpf_fentry_test1";

static int load(enum bpf_prog_type type, enum bpf_attach_type attach, int btf_id,
		const struct bpf_insn *insns, size_t count, struct err *e)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach,
		    .attach_btf_id = (uint32_t)btf_id);
	int fd = bpf_prog_load(type, "cairn_doctor", "Dual MIT/GPL", insns, count, &opts);
	return fd < 0 ? err_errno(e, "the kernel does not load the program") : fd;
}

static int find_type(const char *name, unsigned kind, struct err *e)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, name, kind) : -ENOENT;
	btf__free(btf);
	return id > 0 ? id : err_set(e, ENOENT, "the kernel's types do not tell of %s", name);
}

static int try_btf(struct text *detail, struct err *e)
{
	struct btf *btf = btf__load_vmlinux_btf();
	if (!btf)
		return err_set(e, ENOENT, "/sys/kernel/btf/vmlinux cannot be read");
	text_print(detail, "%u types", btf__type_cnt(btf));
	btf__free(btf);
	return 0;
}

static int try_tp_btf(struct text *detail, struct err *e)
{
	(void)detail;
	int id = find_type("btf_trace_sched_switch", BTF_KIND_TYPEDEF, e);
	if (id < 0)
		return id;
	CLEANUP(fd)
	int program = load(BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, id, nothing, COUNT(nothing), e);
	if (program < 0)
		return program;
	CLEANUP(fd) int link = bpf_raw_tracepoint_open(NULL, program);
	return link < 0 ? err_errno(e, "it is loaded but cannot be attached") : 0;
}

static int try_user_memory(struct text *detail, struct err *e)
{
	(void)detail;
	static const struct bpf_insn insns[] = {
		CALL(BPF_FUNC_get_current_task_btf),
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_0},
		CALL(BPF_FUNC_task_pt_regs),
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3},
		CALL(BPF_FUNC_probe_read_user),
		RETURN_0,
	};
	int id = find_type("btf_trace_sched_switch", BTF_KIND_TYPEDEF, e);
	if (id < 0)
		return id;
	CLEANUP(fd)
	int program = load(BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, id, insns, COUNT(insns), e);
	return program < 0 ? program : 0;
}

static int try_mmapable(struct text *detail, struct err *e)
{
	(void)detail;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	CLEANUP(fd) int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "cairn_doctor", 4, 4096, 4, &opts);
	if (map < 0)
		return err_errno(e, "the kernel does not make the map");
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	if (memory == MAP_FAILED)
		return err_errno(e, "the map cannot be mapped");
	munmap(memory, 4096);
	return 0;
}

static int try_tracepoint(struct text *detail, struct err *e)
{
	(void)detail;
	const char *tracefs;
	CLEANUP_TEXT struct text id = {0};
	int status = tracefs_find(&tracefs, e);
	if (status == 0)
		status = tracefs_read(&id, e, "%s/events/sched/sched_switch/id", tracefs);
	if (status < 0)
		return status;
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT,
				       .size = sizeof(attr),
				       .config = strtoull(id.data, NULL, 10)};
	CLEANUP(fd) int program = load(BPF_PROG_TYPE_TRACEPOINT, 0, 0, nothing, COUNT(nothing), e);
	if (program < 0)
		return program;
	CLEANUP(fd)
	int event = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return err_errno(e, "the tracepoint cannot be opened");
	LIBBPF_OPTS(bpf_link_create_opts, opts, .perf_event.bpf_cookie = 1);
	CLEANUP(fd) int link = bpf_link_create(program, event, BPF_PERF_EVENT, &opts);
	return link < 0 ? err_errno(e, "the program cannot be attached") : 0;
}

static int try_fentry(struct text *detail, struct err *e)
{
	(void)detail;
	int id = find_type(quiet_function, BTF_KIND_FUNC, e);
	if (id < 0)
		return id;
	CLEANUP(fd)
	int program = load(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, id, nothing, COUNT(nothing), e);
	if (program < 0)
		return program;
	CLEANUP(fd) int link = bpf_raw_tracepoint_open(NULL, program);
	return link < 0 ? err_errno(e, "it is loaded but cannot be attached") : 0;
}

static int try_kprobe_multi(struct text *detail, struct err *e)
{
	(void)detail;
	CLEANUP(fd)
	int program =
		load(BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, 0, nothing, COUNT(nothing), e);
	if (program < 0)
		return program;
	const char *symbols[] = {quiet_function};
	LIBBPF_OPTS(bpf_link_create_opts, opts, .kprobe_multi.syms = symbols,
		    .kprobe_multi.cnt = 1);
	CLEANUP(fd) int link = bpf_link_create(program, 0, BPF_TRACE_KPROBE_MULTI, &opts);
	return link < 0 ? err_errno(e, "it is loaded but cannot be attached") : 0;
}

static int try_pinning(struct text *detail, struct err *e)
{
	(void)detail;
	char path[64];
	snprintf(path, sizeof(path), "/sys/fs/bpf/cairn-doctor-%d", getpid());
	CLEANUP(fd) int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "cairn_doctor", 4, 8, 1, NULL);
	if (map < 0)
		return err_errno(e, "the kernel does not make the map");
	if (bpf_obj_pin(map, path))
		return err_errno(e, "nothing can be pinned in /sys/fs/bpf");
	unlink(path);
	return 0;
}

const struct check checks_bpf[] = {
	{"type information", try_btf, "The BPF recorder cannot adapt itself to this kernel.",
	 "Use a kernel built with CONFIG_DEBUG_INFO_BTF, as distributions' are."},
	{"typed tracepoints", try_tp_btf, "The BPF recorder cannot run.",
	 "Grant CAP_BPF and CAP_PERFMON (or root)."},
	{"shared rings", try_mmapable, "The BPF recorder cannot hand its events over.",
	 "Grant CAP_BPF (or root)."},
	{"user memory", try_user_memory, "Sleepers' places in their programs stay unknown.",
	 "Grant CAP_BPF and CAP_PERFMON; lockdown=confidentiality forbids reading."},
	{"any tracepoint", try_tracepoint,
	 "`record -e SUBSYSTEM:NAME` falls back to the tracefs recorder.",
	 "Grant CAP_BPF, CAP_PERFMON and reading of tracefs (or root)."},
	{"function entry (fentry)", try_fentry,
	 "Nothing recorded today needs it; kernel functions are probed more slowly.",
	 "Use a kernel that lets its code be patched (CONFIG_DYNAMIC_FTRACE)."},
	{"many functions (kprobe.multi)", try_kprobe_multi,
	 "Nothing recorded today needs it; many kernel functions attach slowly.",
	 "Use a kernel with CONFIG_FPROBE (Debian's has it from 6.12 on)."},
	{"pinning in bpffs", try_pinning,
	 "A recording ends with the recorder's process; nothing can outlive it.",
	 "mount -t bpf bpf /sys/fs/bpf"},
	{0},
};
