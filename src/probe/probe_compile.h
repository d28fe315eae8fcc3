/* SPDX-License-Identifier: MIT */
/* Expressions of a specification as operands. */
#ifndef CAIRN_PROBE_PROBE_COMPILE_H
#define CAIRN_PROBE_PROBE_COMPILE_H

#include "probe/probe_operand.h"

int probe_compile(struct probe_compiler *c, uint32_t node, struct probe_operand *ret);

/* As a condition: a number that is 0 or 1, or missing. */
int probe_compile_truth(struct probe_compiler *c, uint32_t node, struct probe_operand *ret);

#endif
