/* SPDX-License-Identifier: MIT */
/*
 * Builds a probe program instruction by instruction. What was computed already is not computed
 * again, unless it may have been skipped. Running out of room is sticky and asked for once.
 */
#ifndef CAIRN_PROBE_PROBE_CODE_H
#define CAIRN_PROBE_PROBE_CODE_H

#include "prog/prog.h"

struct probe_code {
	struct prog_insn insns[PROG_INSNS_MAX];
	uint16_t epoch[PROG_INSNS_MAX]; /* 0: whoever needs it may use it again */
	uint32_t count;
	uint8_t pool[PROG_POOL_BYTES_MAX];
	uint32_t pool_bytes;
	uint16_t now;   /* reads of memory are used again in the same epoch only: they can fail */
	bool has_reads; /* since the last PROG_FAULT */
	bool is_full;
};

uint16_t probe_code_add(struct probe_code *c, struct prog_insn insn);
uint16_t probe_code_const(struct probe_code *c, int64_t value);
uint16_t probe_code_pair(struct probe_code *c, enum prog_op op, uint16_t a, uint16_t b);
uint16_t probe_code_register(struct probe_code *c, unsigned number);
uint16_t probe_code_extend(struct probe_code *c, uint16_t a, unsigned bytes, bool is_signed);

/* The `bytes` at a value and an offset; of memory that may not be mapped, guarded. */
uint16_t probe_code_load(struct probe_code *c, uint16_t address, int64_t offset, unsigned bytes,
			 bool is_signed, bool is_mapped);
uint16_t probe_code_offset(struct probe_code *c, uint16_t address, int64_t offset);

/* A literal's place in the pool. */
uint32_t probe_code_text(struct probe_code *c, const char *text, size_t bytes);

/* A skip whose end is given later: what lies between is not used again. */
uint32_t probe_code_skip(struct probe_code *c, enum prog_op op, uint16_t a);
void probe_code_land(struct probe_code *c, uint32_t skip);

#endif
