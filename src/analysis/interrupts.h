/* SPDX-License-Identifier: MIT */
/* How often interrupts and softirqs ran, and how long each took. */
#ifndef CAIRN_ANALYSIS_INTERRUPTS_H
#define CAIRN_ANALYSIS_INTERRUPTS_H

#include "analysis/causes.h"
#include "analysis/histogram.h"

struct interrupt {
	bool softirq;
	int32_t number; /* of the interrupt line, or the softirq's vector */
	struct histogram took_ns;
};

/* An interrupt handler and a softirq can be under way on a cpu, one of each. */
struct interrupt_cpu {
	struct {
		int32_t number;
		uint64_t since_ns; /* 0: none, or its entry was not seen */
	} under_way[2];            /* [softirq] */
};

struct interrupts {
	ARRAY(struct interrupt *) all;
	ARRAY(struct interrupt_cpu) cpus;
};

const char *softirq_name(int32_t vec);

#endif
