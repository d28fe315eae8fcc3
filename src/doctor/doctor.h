/* SPDX-License-Identifier: MIT */
/* What this machine permits cairn, facility by facility. */
#ifndef CAIRN_DOCTOR_DOCTOR_H
#define CAIRN_DOCTOR_DOCTOR_H

#include "doctor/check.h"

struct finding {
	const char *group;
	const struct check *check;
	enum check_state state;
	const char *detail; /* a few words; of a refusal, the reason; "" without */
};

typedef void (*doctor_tell)(void *context, const struct finding *finding);

/*
 * Tries everything and tells each finding as it comes. The result is the name of the recorder that
 * `cairn record` would use, NULL when none works.
 */
const char *doctor_examine(doctor_tell tell, void *context);

#endif
