/* SPDX-License-Identifier: MIT */
#include "kernel/generic.h"
#include "bpf/bpf_compile.h"
#include "bpf/bpf_embed.h"
#include "filter/condition.h"
#include "kernel/format.h"
#include "kernel/generic_abi.h"
#include "kernel/generic_calls.h"
#include "kernel/generic_probes.h"
#include "util/array.h"

#include <bpf/bpf.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One event's descriptors; closing them undoes everything. */
struct attachment {
	int event_fd;
	int link_fd;
	int filter_fd; /* −1 without a condition */
};

struct generic {
	ARRAY(struct attachment) attachments;
	struct generic_calls calls;
};

int generic_prepare(struct bpf_object *object, const struct plan *plan, struct err *e)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, "generic_record");
	struct bpf_map *events = bpf_object__find_map_by_name(object, "generic_events");
	uint32_t *own_pid = bpf_embed_variable(object, "own_pid", sizeof(*own_pid));
	if (!program || !events || !own_pid)
		return err_set(e, EINVAL,
			       "the embedded recorder lacks its part for any tracepoint");
	*own_pid = (uint32_t)plan->own_pid;
	bpf_program__set_autoload(program, plan->event_count > 0);
	generic_calls_prepare(object, plan);
	int status = bpf_map__set_max_entries(events,
					      plan->event_count ? (uint32_t)plan->event_count : 1);
	if (status < 0)
		return err_set(e, -status, "cannot record %zu kinds of events: %s",
			       plan->event_count, strerror(-status));
	return generic_probes_prepare(object, plan, e);
}

static int describe(struct generic_event *ret, const struct plan_event *event, struct err *e)
{
	const struct format *f = event->format;
	*ret = (struct generic_event){.id = event->id};
	if (f->fixed_bytes > FORMAT_COMMON_BYTES)
		ret->fixed_bytes = (uint16_t)(f->fixed_bytes - FORMAT_COMMON_BYTES);
	for (size_t i = 0; i < f->field_count; i++) {
		const struct format_field *field = &f->fields[i];
		if (!format_is_dynamic(field))
			continue;
		if (ret->dynamic_count == GENERIC_DYNAMIC_MAX)
			return err_set(e, EOPNOTSUPP,
				       "%s:%s has more than %d fields of variable length",
				       event->subsystem, event->name, GENERIC_DYNAMIC_MAX);
		struct generic_dynamic *dynamic = &ret->dynamic[ret->dynamic_count++];
		dynamic->at = field->offset;
		dynamic->is_relative = field->is_relative;
		while (1u << dynamic->element_shift < field->element_bytes)
			dynamic->element_shift++;
	}
	return 0;
}

static int load_filter(const struct plan_event *event, int next_fd, struct err *e)
{
	const struct bpf_exit exit = {.prog_array_fd = next_fd, .prog_index = 0};
	struct bpf_insn *code = malloc(BPF_COMPILE_INSNS_MAX * sizeof(*code));
	if (!code)
		return err_set(e, ENOMEM, "no memory for a filter");
	size_t count;
	int fd = bpf_compile(condition_prog(event->when), &exit, code, BPF_COMPILE_INSNS_MAX,
			     &count, e);
	if (fd == 0) {
		fd = bpf_prog_load(BPF_PROG_TYPE_TRACEPOINT, "cairn_filter", "Dual MIT/GPL", code,
				   count, NULL);
		if (fd < 0)
			fd = err_errno(e, "the kernel refuses the condition as a BPF program");
	}
	free(code);
	return fd;
}

/* A tracepoint seen as a perf event counts on one cpu; its BPF programs run on all. */
static int open_event(const struct plan_event *event, struct err *e)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr), .config = event->format->id};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? err_errno(e, "cannot open the tracepoint %s:%s", event->subsystem,
				  event->name)
		      : fd;
}

static int link_event(struct attachment *a, int program_fd, uint64_t cookie,
		      const struct plan_event *event, struct err *e)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .perf_event.bpf_cookie = cookie);
	a->link_fd = bpf_link_create(program_fd, a->event_fd, BPF_PERF_EVENT, &opts);
	if (a->link_fd < 0 || ioctl(a->event_fd, PERF_EVENT_IOC_ENABLE, 0))
		return err_errno(e, "cannot attach the BPF program at %s:%s", event->subsystem,
				 event->name);
	return 0;
}

/* The program to attach: a tracepoint's condition comes first, a probe's when there is a record. */
static int choose_program(struct attachment *a, struct bpf_object *object,
			  const struct plan_event *event, uint32_t index, struct err *e)
{
	if (event->fetch)
		return generic_probes_add(object, event, index, &a->filter_fd, e);
	if (!event->when)
		return bpf_program__fd(bpf_object__find_program_by_name(object, "generic_record"));
	a->filter_fd =
		load_filter(event, bpf_object__find_map_fd_by_name(object, "generic_next"), e);
	return a->filter_fd;
}

static int attach_event(struct generic *g, struct bpf_object *object, const struct plan *plan,
			uint32_t index, struct err *e)
{
	const struct plan_event *event = &plan->events[index];
	struct generic_event entry;
	int map_fd = bpf_object__find_map_fd_by_name(object, "generic_events");
	int status = describe(&entry, event, e);
	if (status < 0)
		return status;
	if (bpf_map_update_elem(map_fd, &index, &entry, BPF_ANY))
		return err_errno(e, "cannot tell the recorder of %s:%s", event->subsystem,
				 event->name);
	if (array_push(&g->attachments, (struct attachment){-1, -1, -1}))
		return err_set(e, ENOMEM, "no memory to attach events");
	struct attachment *a = &g->attachments.items[g->attachments.count - 1];
	int program_fd = choose_program(a, object, event, index, e);
	if (program_fd < 0)
		return err_add(e, "recording %s:%s", event->subsystem, event->name);
	a->event_fd = open_event(event, e);
	if (a->event_fd < 0)
		return a->event_fd;
	return link_event(a, program_fd, index, event, e);
}

int generic_attach(struct generic **ret, struct bpf_object *object, const struct plan *plan,
		   struct err *e)
{
	struct generic *g = calloc(1, sizeof(*g));
	if (!g)
		return err_set(e, ENOMEM, "no memory to attach events");
	uint32_t zero = 0;
	int next_fd = bpf_object__find_map_fd_by_name(object, "generic_next");
	int program_fd =
		bpf_program__fd(bpf_object__find_program_by_name(object, "generic_record"));
	int status = 0;
	if (plan->event_count && bpf_map_update_elem(next_fd, &zero, &program_fd, BPF_ANY))
		status = err_errno(e, "cannot connect filters with the recorder");
	if (status == 0)
		status = generic_probes_connect(object, plan, e);
	if (status == 0)
		status = generic_calls_attach(&g->calls, object, plan, e);
	for (uint32_t i = 0; i < plan->event_count && status == 0; i++) {
		if (!generic_calls_has(&plan->events[i]))
			status = attach_event(g, object, plan, i, e);
	}
	if (status < 0) {
		generic_detach(g);
		return status;
	}
	*ret = g;
	return 0;
}

void generic_detach(struct generic *g)
{
	if (!g)
		return;
	array_each(a, &g->attachments) {
		if (a->link_fd >= 0)
			close(a->link_fd);
		if (a->event_fd >= 0)
			close(a->event_fd);
		if (a->filter_fd >= 0)
			close(a->filter_fd);
	}
	array_free(&g->attachments);
	generic_calls_detach(&g->calls);
	free(g);
}

uint64_t generic_misses(const struct generic *g)
{
	uint64_t misses = 0;
	array_each(a, &g->attachments) {
		struct bpf_prog_info info = {0};
		uint32_t bytes = sizeof(info);
		if (a->filter_fd >= 0 && !bpf_obj_get_info_by_fd(a->filter_fd, &info, &bytes))
			misses += info.recursion_misses;
	}
	return misses;
}
