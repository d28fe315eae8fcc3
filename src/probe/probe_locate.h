/* SPDX-License-Identifier: MIT */
/* Where the debug information says a value is, as instructions of a program. */
#ifndef CAIRN_PROBE_PROBE_LOCATE_H
#define CAIRN_PROBE_PROBE_LOCATE_H

#include "probe/probe_operand.h"

/*
 * The `bytes` (1, 2, 4, 8) of what `o` stands for, from `o->offset` on, into *ret. NULL, or why
 * there are none.
 */
const char *probe_locate_load(struct probe_compiler *c, const struct probe_operand *o,
			      unsigned bytes, bool is_signed, uint16_t *ret);

/* The address of a location that is one place in memory; false when it is another. */
bool probe_locate_address(struct probe_compiler *c, const struct dwarf_location *l, uint16_t *ret);

#endif
