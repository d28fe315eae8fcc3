/* SPDX-License-Identifier: MIT */
#include "kprobe/kprobe_event.h"

#include "kernel/tracefs.h"
#include "kprobe/kprobe_fetch.h"
#include "kprobe/kprobe_types.h"
#include "kprobe/uprobe_place.h"
#include "kprobe/uprobe_risk.h"
#include "util/cleanup.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static int place_in_kernel(struct kprobe_maker *maker, const struct kprobe_spec *spec,
			   struct text *place, struct err *e)
{
	const char *tracefs;
	int status = tracefs_find(&tracefs, e);
	if (status == 0)
		status = dynamic_event_kernel_allows(tracefs, e);
	if (status < 0)
		return err_add(e, "%s", spec->called);
	text_print(place, "%s", spec->function);
	if (spec->offset)
		text_print(place, "+%llu", (unsigned long long)spec->offset);
	if (spec->is_trampoline)
		text_print(&maker->notes,
			   "%s is a k%sprobe at the same place: cairn's recorders take a "
			   "probe's values from the kernel's probe events\n",
			   spec->called, spec->is_return ? "ret" : "");
	return 0;
}

static int place_in_file(struct kprobe_maker *maker, const struct kprobe_spec *spec,
			 struct text *place, struct err *e)
{
	struct uprobe_place found;
	struct utsname kernel;
	int status = uprobe_place_find(spec->file, spec->function, spec->offset, &found, e);
	if (status < 0)
		return err_add(e, "%s", spec->called);
	text_print(place, "%s:%#llx", found.path, (unsigned long long)found.offset);
	if (found.in_red_zone && !uname(&kernel) && uprobe_risk_of_kernel(kernel.release))
		text_print(&maker->notes,
			   "%s may spoil the program: Linux %s puts a call over the nop there, "
			   "into whose way the function keeps values (below its stack pointer); "
			   "probe another instruction\n",
			   spec->called, kernel.release);
	return 0;
}

/* Without type information values are raw; a probe that wants names says so itself. */
static void find_types(struct kprobe_maker *maker, const struct kprobe_spec *spec,
		       struct kprobe_types_of *ret)
{
	if (!maker->btf && access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		maker->btf = btf__load_vmlinux_btf();
	if (maker->btf)
		*ret = (struct kprobe_types_of){maker->btf,
						kprobe_types_function(maker->btf, spec->function)};
}

int kprobe_event_make(struct kprobe_maker *maker, const struct kprobe_spec *spec,
		      struct kprobe_event *ret, struct err *e)
{
	CLEANUP_TEXT struct text place = {0};
	CLEANUP_TEXT struct text fetch = {0};
	struct kprobe_types_of types = {0};
	int status = spec->is_user ? place_in_file(maker, spec, &place, e)
				   : place_in_kernel(maker, spec, &place, e);
	if (status == 0 && !spec->is_user)
		find_types(maker, spec, &types);
	if (status == 0)
		status = kprobe_fetch(spec, &types, &fetch, e);
	if (status == 0 && place.failed)
		status = err_set(e, ENOMEM, "no memory for %s", spec->called);
	if (status < 0)
		return status;
	const struct dynamic_event event = {.is_return = spec->is_return,
					    .wish = spec->function,
					    .place = place.data,
					    .fetch = fetch.data,
					    .called = spec->called};
	status = dynamic_event_make(&maker->events, &event, ret->name, e);
	if (status == 0)
		ret->fetch = TAKE(fetch, (struct text){0}).data;
	return status;
}

void kprobe_maker_deinit(struct kprobe_maker *maker)
{
	dynamic_events_remove(&maker->events);
	btf__free(maker->btf);
	text_deinit(&maker->notes);
	*maker = (struct kprobe_maker){0};
}
