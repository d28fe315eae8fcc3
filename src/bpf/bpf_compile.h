/* SPDX-License-Identifier: MIT */
/*
 * The probe program → eBPF. The result gives for every record the number prog_run() gives,
 * provided that the record has the places the program names, as a tracepoint's record has.
 *
 * The record is the program's context: of a tracepoint's raw record the first 8 bytes are the
 * kernel's own and cannot be loaded. The helpers called need CAP_PERFMON and a GPL-compatible
 * licence.
 */
#ifndef CAIRN_BPF_BPF_COMPILE_H
#define CAIRN_BPF_BPF_COMPILE_H

#include "prog/prog.h"
#include "util/err.h"

#include <linux/bpf.h>

enum { BPF_COMPILE_INSNS_MAX = 16384 };

/* What to do when the result is not 0. */
struct bpf_exit {
	/*
	 * Go on in this array's program, with the same record. −1: return it, by one exit that is
	 * the last instruction; r6 then holds the record.
	 */
	int prog_array_fd;
	uint32_t prog_index;
};

/* At most `max` instructions; -E2BIG when the program needs more, or more stack than there is. */
int bpf_compile(const struct prog *p, const struct bpf_exit *exit, struct bpf_insn *insns,
		size_t max, size_t *count_ret, struct err *e);

#endif
