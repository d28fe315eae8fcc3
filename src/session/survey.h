/* SPDX-License-Identifier: MIT */
/*
 * One look at a trace just written: how many events it has, and which functions of the kernel it
 * names by address, so that their names can go into it while the kernel still runs.
 */
#ifndef CAIRN_SESSION_SURVEY_H
#define CAIRN_SESSION_SURVEY_H

#include "packet/packet.h"
#include "symbol/kallsyms.h"
#include "util/map.h"

enum { SURVEY_FUNCTIONS_MAX = 16384 };

struct survey {
	uint64_t events;        /* of the recorder; the state's and losses are not counted */
	uint64_t kernel_events; /* those among them that were recorded in the kernel */
	struct map functions;   /* addresses */
};

/* A trace above a size that takes longer than a second is not looked at: events stays 0. */
int survey_trace(struct survey *ret, const char *path, struct err *e);
void survey_deinit(struct survey *s);

/*
 * Nothing when the kernel hides its addresses from this user. `*names` is NULL or what an earlier
 * call or kallsyms_open() left there: reading the kernel's names takes longer than a snapshot.
 */
int survey_write_symbols(const struct survey *s, struct kallsyms **names, struct packet *out,
			 uint64_t now_ns, struct err *e);

#endif
