/* SPDX-License-Identifier: MIT */
#include "kernel/generic_probes.h"

#include "bpf/bpf_compile.h"
#include "bpf/bpf_emit.h"
#include "filter/condition.h"
#include "kernel/generic_fetch.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>

enum {
	FRAME_INSNS_MAX = 32,
	CONTEXT_AT = -512, /* below all that a condition keeps on the stack */
	RAW_AT = offsetof(struct generic_scratch, raw),
	BUSY_AT = offsetof(struct generic_scratch, busy),
};

static const char *const program_names[] = {"generic_probe", "generic_probe_write"};

static size_t count_probes(const struct plan *plan)
{
	size_t count = 0;
	for (size_t i = 0; i < plan->event_count; i++)
		count += plan->events[i].fetch != NULL;
	return count;
}

int generic_probes_prepare(struct bpf_object *object, const struct plan *plan, struct err *e)
{
	static const char *const map_names[] = {"generic_probes", "generic_probe_filters"};
	bool any = count_probes(plan) > 0;
	for (size_t i = 0; i < 2; i++) {
		struct bpf_program *program =
			bpf_object__find_program_by_name(object, program_names[i]);
		struct bpf_map *map = bpf_object__find_map_by_name(object, map_names[i]);
		if (!program || !map)
			return err_set(e, EINVAL,
				       "the embedded recorder lacks its part for probes");
		bpf_program__set_autoload(program, any);
		int status = bpf_map__set_max_entries(map, any ? (uint32_t)plan->event_count : 1);
		if (status < 0)
			return err_set(e, -status, "cannot record %zu probes: %s",
				       plan->event_count, strerror(-status));
	}
	return 0;
}

static int program_fd(struct bpf_object *object, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

int generic_probes_connect(struct bpf_object *object, const struct plan *plan, struct err *e)
{
	uint32_t zero = 0;
	int map_fd = bpf_object__find_map_fd_by_name(object, "generic_probe_next");
	int fd = program_fd(object, "generic_probe_write");
	if (count_probes(plan) && bpf_map_update_elem(map_fd, &zero, &fd, BPF_ANY))
		return err_errno(e, "cannot connect the probes' conditions with the recorder");
	return 0;
}

/* Finds the record and leaves it where a condition expects it; the context waits on the stack. */
static void emit_head(struct emitter *m, struct bpf_object *object, bool is_user)
{
	int scratches = bpf_object__find_map_fd_by_name(object, "generic_scratches");
	emit(m, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_1, CONTEXT_AT, 0);
	emit(m, BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, is_user);
	emit_alu(m, BPF_MOV, BPF_REG_2, BPF_REG_10);
	emit_alu_imm(m, BPF_ADD, BPF_REG_2, -4);
	emit(m, BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, scratches);
	emit(m, 0, 0, 0, 0, 0);
	emit_call(m, BPF_FUNC_map_lookup_elem);
	emit_jump_imm(m, BPF_JNE, BPF_REG_0, 0, 1);
	emit(m, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	emit_alu(m, BPF_MOV, BPF_REG_1, BPF_REG_0);
	emit_alu_imm(m, BPF_ADD, BPF_REG_1, RAW_AT);
}

/* Goes on where the condition holds, else makes the scratch free. */
static void emit_tail(struct emitter *m, struct bpf_object *object)
{
	int next = bpf_object__find_map_fd_by_name(object, "generic_probe_next");
	size_t first = m->count;
	emit_jump_imm(m, BPF_JEQ, BPF_REG_0, 0, EMIT_PENDING);
	emit_load(m, BPF_REG_1, BPF_REG_10, CONTEXT_AT, 8);
	emit(m, BPF_LD | BPF_DW | BPF_IMM, BPF_REG_2, BPF_PSEUDO_MAP_FD, 0, next);
	emit(m, 0, 0, 0, 0, 0);
	emit_alu_imm(m, BPF_MOV, BPF_REG_3, 0);
	emit_call(m, BPF_FUNC_tail_call);
	emit_land(m, first);
	emit(m, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_6, 0, BUSY_AT - RAW_AT, 0);
	emit_alu_imm(m, BPF_MOV, BPF_REG_0, 0);
	emit(m, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int load_filter(struct bpf_object *object, const struct plan_event *event, struct err *e)
{
	const struct bpf_exit exit = {.prog_array_fd = -1};
	struct emitter m = {.max = BPF_COMPILE_INSNS_MAX + FRAME_INSNS_MAX};
	m.insns = malloc(m.max * sizeof(*m.insns));
	if (!m.insns)
		return err_set(e, ENOMEM, "no memory for a filter");
	emit_head(&m, object, event->is_user);
	size_t count;
	int fd = bpf_compile(condition_prog(event->when), &exit, m.insns + m.count,
			     BPF_COMPILE_INSNS_MAX, &count, e);
	if (fd == 0) {
		m.count += count - 1; /* the tail stands in place of its exit */
		emit_tail(&m, object);
		fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "cairn_filter", "Dual MIT/GPL", m.insns,
				   m.count, NULL);
		if (fd < 0)
			fd = err_errno(e, "the kernel refuses the condition as a BPF program");
	}
	free(m.insns);
	return fd;
}

int generic_probes_add(struct bpf_object *object, const struct plan_event *event, uint32_t index,
		       int *filter_fd_ret, struct err *e)
{
	struct generic_probe probe;
	int map_fd = bpf_object__find_map_fd_by_name(object, "generic_probes");
	int filters_fd = bpf_object__find_map_fd_by_name(object, "generic_probe_filters");
	int status = generic_fetch_parse(&probe, event, e);
	if (status < 0)
		return status;
	if (bpf_map_update_elem(map_fd, &index, &probe, BPF_ANY))
		return err_errno(e, "cannot tell the recorder of a probe");
	if (event->when) {
		*filter_fd_ret = load_filter(object, event, e);
		if (*filter_fd_ret < 0)
			return *filter_fd_ret;
		if (bpf_map_update_elem(filters_fd, &index, filter_fd_ret, BPF_ANY))
			return err_errno(e, "cannot connect a probe with its condition");
	}
	return program_fd(object, "generic_probe");
}
