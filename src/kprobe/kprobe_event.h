/* SPDX-License-Identifier: MIT */
/* A probe as typed, made an event of the kernel's: then it is a tracepoint like any other. */
#ifndef CAIRN_KPROBE_KPROBE_EVENT_H
#define CAIRN_KPROBE_KPROBE_EVENT_H

#include "kernel/dynamic_event.h"
#include "kprobe/kprobe_spec.h"

struct btf;

/* What several probes share. */
struct kprobe_maker {
	struct dynamic_events events;
	struct btf *btf;   /* of the kernel, once asked for */
	struct text notes; /* what a person should know, a sentence a line */
};

/* `maker->events.group`:name, and what it fetches, in memory of its own. */
struct kprobe_event {
	char name[DYNAMIC_EVENT_NAME_BYTES];
	char *fetch;
};

/* It goes with the maker. */
int kprobe_event_make(struct kprobe_maker *maker, const struct kprobe_spec *spec,
		      struct kprobe_event *ret, struct err *e);

void kprobe_maker_deinit(struct kprobe_maker *maker);

#endif
