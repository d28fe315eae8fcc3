/* SPDX-License-Identifier: MIT */
#include "kernel/generic_calls.h"
#include "event/syscall_table.h"
#include "kernel/format.h"
#include "kernel/generic_abi.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

enum { CALL_NAMES = sizeof(syscall_names) / sizeof(*syscall_names) };

static const char *const program_names[2] = {"generic_call_enter", "generic_call_exit"};

/* Where the kernel's function, which the tracepoint is named after, is not named as the call. */
static const char *const renamed[][2] = {
	{"newstat", "stat"},   {"newfstat", "fstat"}, {"newlstat", "lstat"},
	{"newuname", "uname"}, {"umount", "umount2"}, {"sendfile64", "sendfile"},
};

static int number_of(const char *name)
{
	for (size_t i = 0; i < sizeof(renamed) / sizeof(*renamed); i++) {
		if (!strcmp(renamed[i][0], name))
			name = renamed[i][1];
	}
	for (int nr = 0; nr < (int)CALL_NAMES && nr < GENERIC_CALLS; nr++) {
		if (syscall_names[nr] && !strcmp(syscall_names[nr], name))
			return nr;
	}
	return -1;
}

/*
 * The record is the call's number and then words: what the programs write. Of a narrow last
 * argument less than its word counts; the rest of it is padding before the next record.
 */
static bool is_plain(const struct format *f)
{
	size_t words = f->field_count - 1;
	if (!f->field_count || f->fields[0].offset != 8 || f->fields[0].size != 4 ||
	    words > GENERIC_ARGS_MAX)
		return false;
	for (size_t i = 0; i < words; i++) {
		const struct format_field *field = &f->fields[i + 1];
		if (field->offset != 16 + 8 * i || field->size > 8)
			return false;
	}
	return f->fixed_bytes <= (words ? 16 + 8 * words : 12);
}

/* The call's number, and whether it is the tracepoint at its exit; −1 for other events. */
static int call_of(const struct plan_event *event, bool *is_exit_ret)
{
	if (event->when || strcmp(event->subsystem, "syscalls") || !is_plain(event->format))
		return -1;
	*is_exit_ret = !strncmp(event->name, "sys_exit_", 9);
	if (*is_exit_ret)
		return event->format->field_count == 2 ? number_of(event->name + 9) : -1;
	return strncmp(event->name, "sys_enter_", 10) ? -1 : number_of(event->name + 10);
}

bool generic_calls_has(const struct plan_event *event)
{
	bool is_exit;
	return call_of(event, &is_exit) >= 0;
}

static size_t find_calls(const struct plan *plan, struct generic_call *calls, size_t counts[2])
{
	counts[0] = counts[1] = 0;
	for (size_t i = 0; i < plan->event_count; i++) {
		const struct plan_event *event = &plan->events[i];
		bool is_exit;
		int nr = call_of(event, &is_exit);
		if (nr < 0)
			continue;
		counts[is_exit]++;
		if (!calls)
			continue;
		if (is_exit) {
			calls[nr].exit_id = event->id;
		} else {
			calls[nr].enter_id = event->id;
			calls[nr].enter_bytes =
				(uint16_t)(event->format->fixed_bytes - FORMAT_COMMON_BYTES);
			calls[nr].arg_count = (uint16_t)(event->format->field_count - 1);
		}
	}
	return counts[0] + counts[1];
}

void generic_calls_prepare(struct bpf_object *object, const struct plan *plan)
{
	size_t counts[2];
	find_calls(plan, NULL, counts);
	for (int i = 0; i < 2; i++) {
		struct bpf_program *program =
			bpf_object__find_program_by_name(object, program_names[i]);
		if (program)
			bpf_program__set_autoload(program, counts[i] > 0);
	}
}

int generic_calls_attach(struct generic_calls *g, struct bpf_object *object,
			 const struct plan *plan, struct err *e)
{
	struct generic_call calls[GENERIC_CALLS] = {0};
	size_t counts[2];
	if (!find_calls(plan, calls, counts))
		return 0;
	int map_fd = bpf_object__find_map_fd_by_name(object, "generic_calls");
	for (uint32_t nr = 0; nr < GENERIC_CALLS; nr++) {
		bool asked = calls[nr].enter_id || calls[nr].exit_id;
		if (asked && bpf_map_update_elem(map_fd, &nr, &calls[nr], BPF_ANY))
			return err_errno(e, "cannot tell the recorder of system call %u", nr);
	}
	for (int i = 0; i < 2; i++) {
		struct bpf_program *program =
			bpf_object__find_program_by_name(object, program_names[i]);
		if (!counts[i])
			continue;
		g->links[i] = bpf_program__attach(program);
		if (!g->links[i])
			return err_errno(e, "cannot attach the BPF program at %s",
					 bpf_program__section_name(program));
	}
	return 0;
}

void generic_calls_detach(struct generic_calls *g)
{
	for (int i = 0; i < 2; i++) {
		bpf_link__destroy(g->links[i]);
		g->links[i] = NULL;
	}
}
