/* SPDX-License-Identifier: MIT */
/* The highest rung: BPF programs on tracepoints, per-cpu rings mapped into the tool. */
#include "bpf/bpf_embed.h"
#include "kernel/bpf_cost.h"
#include "kernel/bpf_pins.h"
#include "kernel/bpf_rings.h"
#include "kernel/generic.h"
#include "kernel/recorder_object.h"
#include "kernel/rung.h"
#include "kernel/stack_tables.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIFE_SUBBUFS = 4, LINKS_MAX = 64 };

struct bpf_rung {
	struct rung rung;
	struct bpf_object *object;
	struct bpf_link *links[LINKS_MAX];
	size_t link_count;
	struct generic *generic;
	struct bpf_rings rings;
	struct stack_tables *stacks; /* NULL without stacks */
	struct bpf_cost cost;
	char kept_as[32]; /* "" when it is not */
};

static const char *const syscall_programs[] = {"on_sys_enter", "on_sys_exit", NULL};
/* The same, of the targets alone. */
static const char *const target_programs[] = {"on_target_enter", "on_target_exit", NULL};
static const char *const lock_programs[] = {"on_contention_begin", "on_contention_end", NULL};

static bool listed(const char *const *names, const char *name)
{
	for (; *names; names++) {
		if (!strcmp(*names, name))
			return true;
	}
	return false;
}

static bool wanted(const struct plan *plan, const char *program)
{
	if (listed(syscall_programs, program))
		return plan->syscalls && !plan->only_targets;
	if (listed(target_programs, program))
		return plan->syscalls && plan->only_targets;
	if (listed(lock_programs, program))
		return plan->locks;
	return plan->waits;
}

/* "tp_btf/NAME" exists when the kernel's types have btf_trace_NAME. */
static bool kernel_has(const struct btf *vmlinux, const char *section)
{
	const char *tracepoint = strchr(section, '/');
	char name[96];
	if (!tracepoint)
		return true;
	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint + 1);
	return btf__find_by_name_kind(vmlinux, name, BTF_KIND_TYPEDEF) > 0;
}

static int choose_programs(struct bpf_object *object, const struct plan *plan, struct err *e)
{
	struct btf *vmlinux = btf__load_vmlinux_btf();
	if (!vmlinux)
		return err_set(e, ENOENT,
			       "this kernel has no type information "
			       "(/sys/kernel/btf/vmlinux), which BPF programs need");
	struct bpf_program *program;
	bpf_object__for_each_program(program, object)
	{
		bool load = wanted(plan, bpf_program__name(program)) &&
			    kernel_has(vmlinux, bpf_program__section_name(program));
		bpf_program__set_autoload(program, load);
	}
	btf__free(vmlinux);
	return 0;
}

#define SET_VARIABLE(object, name, type, value)                                                    \
	({                                                                                         \
		type *variable_ = bpf_embed_variable((object), (name), sizeof(type));              \
		if (variable_)                                                                     \
			*variable_ = (value);                                                      \
		variable_ != NULL;                                                                 \
	})

static int size_rings(struct bpf_object *object, const struct plan *plan, uint32_t cpus,
		      uint32_t count[2], struct err *e)
{
	count[RECORDER_STREAM_EVENTS] = (uint32_t)(plan->ring_bytes >> RECORDER_SUBBUF_SHIFT);
	count[RECORDER_STREAM_LIFE] = LIFE_SUBBUFS;
	uint32_t *subbufs = bpf_embed_variable(object, "subbufs", 2 * sizeof(*subbufs));
	struct bpf_map *events = bpf_object__find_map_by_name(object, "ring_events");
	struct bpf_map *life = bpf_object__find_map_by_name(object, "ring_life");
	if (!subbufs || !events || !life ||
	    !SET_VARIABLE(object, "overwrite", bool, plan->overwrite) ||
	    !SET_VARIABLE(object, "only_targets", bool, plan->only_targets))
		return err_set(e, EINVAL, "the embedded recorder lacks its variables");
	memcpy(subbufs, count, 2 * sizeof(*subbufs));
	int status = bpf_map__set_max_entries(events, cpus * count[RECORDER_STREAM_EVENTS]);
	if (status == 0)
		status = bpf_map__set_max_entries(life, cpus * count[RECORDER_STREAM_LIFE]);
	if (status < 0)
		return err_set(e, -status, "cannot size the rings: %s", strerror(-status));
	return 0;
}

static int add_targets(struct bpf_object *object, const struct plan *plan, struct err *e)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "targets");
	for (size_t i = 0; i < plan->target_count; i++) {
		uint32_t pid = (uint32_t)plan->targets[i];
		uint8_t yes = 1;
		int status = bpf_map__update_elem(map, &pid, sizeof(pid), &yes, sizeof(yes), 0);
		if (status < 0)
			return err_set(e, -status, "cannot tell the recorder its targets: %s",
				       strerror(-status));
	}
	return 0;
}

static int open_rings(struct bpf_rung *b, const struct plan *plan, uint32_t cpus,
		      const uint32_t count[2], struct err *e)
{
	struct recorder_ring *rings = bpf_embed_variable(
		b->object, "rings", 2 * RECORDER_CPUS_MAX * sizeof(struct recorder_ring));
	if (!rings)
		return err_set(e, EINVAL, "the embedded recorder lacks its rings");
	int fds[2] = {
		bpf_object__find_map_fd_by_name(b->object, "ring_events"),
		bpf_object__find_map_fd_by_name(b->object, "ring_life"),
	};
	int status = bpf_rings_open(&b->rings, rings, fds, count, cpus, plan->overwrite, e);
	if (status < 0)
		return status;
	bpf_rings_label(&b->rings, plan->uuid);
	return 0;
}

static int bpf_start(struct rung *r, struct err *e)
{
	struct bpf_rung *b = (struct bpf_rung *)r;
	struct bpf_program *program;
	bpf_cost_begin(&b->cost);
	bpf_object__for_each_program(program, b->object)
	{
		bool generic = !strncmp(bpf_program__name(program), "generic_", 8);
		if (generic || !bpf_program__autoload(program) || b->link_count == LINKS_MAX)
			continue;
		struct bpf_link *link = bpf_program__attach(program);
		if (!link)
			return err_errno(e, "cannot attach the BPF program at %s",
					 bpf_program__section_name(program));
		b->links[b->link_count++] = link;
	}
	return 0;
}

static int bpf_stop(struct rung *r, struct err *e)
{
	(void)e;
	struct bpf_rung *b = (struct bpf_rung *)r;
	while (b->link_count)
		bpf_link__destroy(b->links[--b->link_count]);
	return 0;
}

static int bpf_keep(struct rung *r, const char *name, struct err *e)
{
	struct bpf_rung *b = (struct bpf_rung *)r;
	int status = bpf_pins_make(name, b->object, e);
	if (status == 0)
		snprintf(b->kept_as, sizeof(b->kept_as), "%s", name);
	return status;
}

static void bpf_service(struct rung *r)
{
	struct bpf_rung *b = (struct bpf_rung *)r;
	if (b->stacks)
		stack_tables_service(b->stacks);
}

static int bpf_drain(struct rung *r, bool all, rung_sink sink, void *context, struct err *e)
{
	struct bpf_rung *b = (struct bpf_rung *)r;
	int status = bpf_rings_drain(&b->rings, RECORDER_STREAM_LIFE, all, sink, context, e);
	if (status < 0)
		return status;
	return bpf_rings_drain(&b->rings, RECORDER_STREAM_EVENTS, all, sink, context, e);
}

static int bpf_news(struct rung *r, rung_news news, void *context, struct err *e)
{
	struct bpf_rung *b = (struct bpf_rung *)r;
	bpf_cost_step(&b->cost, b->object);
	return bpf_rings_news(&b->rings, news, context, e);
}

static int bpf_snapshot(struct rung *r, rung_sink sink, void *context, struct err *e)
{
	struct bpf_rung *b = (struct bpf_rung *)r;
	int status = bpf_rings_copy(&b->rings, RECORDER_STREAM_LIFE, sink, context, e);
	if (status < 0)
		return status;
	return bpf_rings_copy(&b->rings, RECORDER_STREAM_EVENTS, sink, context, e);
}

static void bpf_totals(struct rung *r, struct rung_totals *ret)
{
	struct bpf_rung *b = (struct bpf_rung *)r;
	*ret = (struct rung_totals){.lost = bpf_rings_discarded(&b->rings),
				    .misses = generic_misses(b->generic),
				    .probe_each_ns = bpf_cost_each_ns(&b->cost, b->object)};
	struct bpf_program *program;
	bpf_object__for_each_program(program, b->object)
	{
		struct bpf_prog_info info = {0};
		__u32 bytes = sizeof(info);
		int fd = bpf_program__fd(program);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &bytes))
			continue;
		ret->misses += info.recursion_misses;
	}
}

static void bpf_close(struct rung *r)
{
	struct bpf_rung *b = (struct bpf_rung *)r;
	bpf_stop(r, NULL);
	generic_detach(b->generic);
	stack_tables_close(b->stacks);
	bpf_cost_end(&b->cost);
	if (*b->kept_as)
		bpf_pins_remove(b->kept_as);
	bpf_rings_close(&b->rings);
	bpf_object__close(b->object);
	free(b);
}

static int bpf_set_up(struct bpf_rung *b, const struct plan *plan, struct err *e)
{
	size_t bytes = (size_t)(recorder_object_end - recorder_object);
	uint32_t cpus = (uint32_t)libbpf_num_possible_cpus();
	uint32_t count[2];
	if (cpus > RECORDER_CPUS_MAX)
		return err_set(e, E2BIG, "this machine may have %u cpus, the recorder knows %u",
			       cpus, RECORDER_CPUS_MAX);
	int status = bpf_embed_open(&b->object, recorder_object, bytes, "recorder", e);
	if (status == 0)
		status = choose_programs(b->object, plan, e);
	if (status == 0)
		status = generic_prepare(b->object, plan, e);
	if (status == 0)
		status = size_rings(b->object, plan, cpus, count, e);
	bool stacks = plan->stacks && plan->waits && plan->unwind;
	if (status == 0)
		status = stack_tables_size(b->object, stacks, e);
	if (status == 0)
		status = bpf_embed_load(b->object, e);
	if (status == 0 && stacks)
		status = stack_tables_open(&b->stacks, b->object, plan->unwind, e);
	if (status == 0)
		status = add_targets(b->object, plan, e);
	if (status == 0)
		status = open_rings(b, plan, cpus, count, e);
	if (status == 0 && stacks)
		stack_tables_prepare(b->stacks, plan->targets, plan->target_count);
	if (status == 0)
		status = generic_attach(&b->generic, b->object, plan, e);
	return status;
}

static int bpf_open(struct rung **ret, const struct plan *plan, struct err *e)
{
	struct bpf_rung *b = calloc(1, sizeof(*b));
	if (!b)
		return err_set(e, ENOMEM, "no memory for the recorder");
	b->cost.fd = -1;
	b->rung = (struct rung){.kind = &rung_bpf,
				.start = bpf_start,
				.stop = bpf_stop,
				.keep = bpf_keep,
				.drain = bpf_drain,
				.news = bpf_news,
				.service = bpf_service,
				.snapshot = bpf_snapshot,
				.totals = bpf_totals,
				.close = bpf_close};
	int status = bpf_set_up(b, plan, e);
	if (status < 0) {
		bpf_close(&b->rung);
		return status;
	}
	*ret = &b->rung;
	return 0;
}

const struct rung_kind rung_bpf = {"bpf", bpf_open};
