/* SPDX-License-Identifier: MIT */
/*
 * Inside the x86-64 back end: where values are, and the operations by kind.
 *
 * rax, rcx and rdx are scratch. A value that only the next instruction takes, as its first operand,
 * is passed on in rax: whatever an operation does, it fetches that operand first.
 */
#ifndef CAIRN_PROG_PROG_COMPILE_H
#define CAIRN_PROG_PROG_COMPILE_H

#include "prog/prog_native.h"

/* A register that holds the value: its own or the site's, which must not be changed, or scratch. */
int compile_fetch(struct prog_native *n, struct emit *out, uint16_t value, int scratch);

/* The value in this register. */
void compile_fetch_to(struct prog_native *n, struct emit *out, uint16_t value, int to);

/* A constant that needs no place and fits an instruction. */
bool compile_is_small(const struct prog_native *n, uint16_t value, int32_t *ret);

/* Where an instruction's value is made, and kept when it is. */
int compile_target(struct prog_native *n, uint16_t value);
void compile_keep(struct prog_native *n, struct emit *out, uint16_t value, int from);

/* The register's site value is not in it any more. */
static inline void compile_touch(struct prog_native *n, int reg)
{
	n->touched |= 1u << reg;
}

/* prog_compute.c: numbers out of numbers. */
void compile_number(struct prog_native *n, struct emit *out, uint16_t self);

/* The flags of comparing; the condition under which the result is 1. */
enum x86_condition compile_compare(struct prog_native *n, struct emit *out,
				   const struct prog_insn *in);
bool compile_is_comparison(const struct prog_insn *in);

/* prog_effect.c: registers, memory, output, cells. */
void compile_effect(struct prog_native *n, struct emit *out, uint16_t self);
void compile_zero_output(const struct prog_native *n, struct emit *out);
bool compile_calls(const struct prog_native *n, const struct prog_insn *in);

/* prog_count.c: one more for key 0. */
void compile_count(struct prog_native *n, struct emit *out, const struct prog_native_cell *cell);

#endif
