/* SPDX-License-Identifier: MIT */
/*
 * A facility of the machine, tried for real: used once, harmlessly, and taken away again.
 *
 * What a kernel's configuration or version promises is not asked; a refusal tells the reason the
 * kernel gave. Each table is one group; src/doctor/doctor.c runs them all.
 */
#ifndef CAIRN_DOCTOR_CHECK_H
#define CAIRN_DOCTOR_CHECK_H

#include "util/err.h"
#include "util/text.h"

enum check_state {
	CHECK_OK,
	CHECK_NOTE,    /* works, and there is something to know */
	CHECK_REFUSED, /* does not */
	CHECK_STATES
};

struct check {
	const char *name;
	/*
	 * 0 or 1 (a note), with or without a word about it in `detail`; or a negative code and the
	 * reason.
	 */
	int (*run)(struct text *detail, struct err *e);
	const char *consequence; /* of a refusal or note: for what cairn can do */
	const char *remedy;      /* NULL when there is none */
};

/* Ended by an entry without a name. */
extern const struct check checks_rungs[], checks_bpf[], checks_tracefs[], checks_probes[],
	checks_clock[], checks_rights[], checks_others[];

#endif
