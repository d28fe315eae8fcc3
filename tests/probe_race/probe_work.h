/* SPDX-License-Identifier: MIT */
/* Functions of many shapes, whose results are known: what probes are put into. */
#ifndef CAIRN_PROBE_WORK_H
#define CAIRN_PROBE_WORK_H

#include <stdint.h>

enum { WORK_FUNCTIONS = 96 };

extern uint64_t (*const work_functions[WORK_FUNCTIONS])(uint64_t);

/* All of them are in a section of their own. */
extern const char __start_work[], __stop_work[];

/* All functions, folded; the same for the same number. */
uint64_t work_all(uint64_t number);

#endif
