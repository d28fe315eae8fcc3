/* SPDX-License-Identifier: MIT */
/*
 * Raw tracepoint records, as tracefs and perf give them, into the recorder's own.
 *
 * The events of the recorder's set become the records of recorder_abi.h, under the same ids as
 * from BPF; events asked for by name are copied as format.h lays down. What a format file cannot
 * tell (the site of a sleeper) is left out, never made up.
 */
#ifndef CAIRN_KERNEL_CONVERT_H
#define CAIRN_KERNEL_CONVERT_H

#include "kernel/format.h"
#include "kernel/rung.h"
#include "kernel/targets.h"
#include "util/map.h"
#include "util/text.h"

enum { CONVERT_FIELDS_MAX = 6 };

struct known; /* convert_known.h: how one event of the recorder's set is read */

/* One event the kernel must be asked for. */
struct convert_event {
	const struct format *format;
	const struct condition *when; /* of an event asked for by name, or NULL */
	const struct known *known;    /* NULL for an event asked for by name */
	const struct format_field *fields[CONVERT_FIELDS_MAX]; /* as the known one names them */
	uint16_t id;
	struct format own; /* what `format` points to where the plan did not bring it */
};

struct convert {
	struct convert_event **events;
	size_t count, capacity;
	struct map by_type; /* common_type to index */
	struct targets targets;
	bool only_targets;
};

struct converted {
	uint16_t id;
	uint8_t stream; /* enum recorder_stream */
	int32_t tid;    /* the thread that ran */
	uint32_t bytes;
	_Alignas(8) uint8_t payload[RECORDER_GENERIC_BYTES_MAX];
};

/*
 * Reads the formats of what the plan asks for. An event of the recorder's set that this kernel
 * does not have is left out; without sched_switch there is no wait set and an error.
 */
int convert_open(struct convert *ret, const struct plan *plan, const char *tracefs, struct err *e);
void convert_close(struct convert *c);

/*
 * Takes `f` over (on failure too) as an event of the recorder's set, if it is one: 1, else 0.
 * convert_open() does this for all; tests do it alone.
 */
int convert_add_known(struct convert *c, struct format *f, struct err *e);
int convert_add_generic(struct convert *c, const struct plan_event *event, struct err *e);

/*
 * Appends what the kernel shall ask before it records the event, nothing where there is nothing
 * to ask: the user's condition, and that `own_pid` is not who runs (events asked for by name only).
 */
int convert_filter(const struct convert_event *event, int own_pid, struct text *ret, struct err *e);

/* The event of a raw record, NULL when it is none of ours. */
const struct convert_event *convert_find(const struct convert *c, const void *record, size_t bytes);

/* 1 and the record, 0 when there is nothing to write, -EINVAL when it is shorter than it says. */
int convert_record(struct convert *c, const void *record, size_t bytes, struct converted *ret);

#endif
