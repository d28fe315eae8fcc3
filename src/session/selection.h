/* SPDX-License-Identifier: MIT */
/*
 * Which events a person asked for: sets, tracepoints by name or glob, conditions, exceptions.
 *
 *	waits | syscalls | locks            the recorder's own sets
 *	SUBSYSTEM:NAME, NAME, with * and ?  any tracepoint of the kernel
 *	… if CONDITION                      filter/condition.h
 *	marker:PROVIDER:NAME                signs in programs; with "if level <= N"
 *	kprobe:FUNC, uprobe:FILE:FUNC, …    kprobe/kprobe_spec.h
 */
#ifndef CAIRN_SESSION_SELECTION_H
#define CAIRN_SESSION_SELECTION_H

#include "kernel/rung.h"
#include "kprobe/kprobe_event.h"
#include "util/array.h"
#include "util/text.h"

struct wish {
	char *pattern;
	char *when; /* or NULL */
};

struct selection {
	bool waits, syscalls, locks;
	ARRAY(struct wish) wishes; /* -e */
	ARRAY(struct kprobe_spec) probes;
	struct kprobe_maker maker;       /* of the probes' events, once resolved */
	ARRAY(char *) refusals;          /* -x */
	struct text markers;             /* as ring/ring_share.h has patterns; empty without any */
	ARRAY(struct plan_event) events; /* after selection_resolve() */
	struct text notes;               /* what a person should know, a sentence a line */
};

/* The wait set is in from the start. */
void selection_init(struct selection *s);
/* Takes the probes' events out of the kernel: whoever recorded them is closed. */
void selection_deinit(struct selection *s);

int selection_include(struct selection *s, const char *spec, struct err *e);
/* "marker:PROVIDER:NAME": included, and passing it asks for a snapshot. */
int selection_trigger(struct selection *s, const char *spec, struct err *e);
int selection_exclude(struct selection *s, const char *pattern, struct err *e);

/*
 * Finds the tracepoints wished for, makes the probes, compiles their conditions, and adds their
 * types to the schema (stream RECORDER_STREAM_EVENTS). A wish that matches nothing is an error.
 * What the wait set already records is not recorded twice.
 */
int selection_resolve(struct selection *s, struct schema *schema, struct err *e);

#endif
