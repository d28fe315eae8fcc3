/* SPDX-License-Identifier: MIT */
/* The circumstances of a trace: its identity, machine, clock. */
#ifndef CAIRN_SESSION_FACTS_H
#define CAIRN_SESSION_FACTS_H

#include "ctf/ctf_trace.h"

#include <sys/utsname.h>

enum { FACTS_MAX = 24 };

struct facts {
	struct ctf_fact items[FACTS_MAX];
	size_t count;
	struct utsname machine;
	char created[32];
};

/* Host, kernel, tool; more with facts_add(). What items point to lives as long as `f`. */
void facts_init(struct facts *f);
void facts_add_text(struct facts *f, const char *name, const char *text); /* not copied */
void facts_add_number(struct facts *f, const char *name, int64_t number);

void facts_uuid(uint8_t ret[16]);      /* a new random one */
void facts_boot_uuid(uint8_t ret[16]); /* this boot's; zeros when the kernel does not say */

/* CLOCK_MONOTONIC as the trace's clock: its place in Unix time as tightly as a few tries allow. */
void facts_clock(struct ctf_trace *trace);

#endif
