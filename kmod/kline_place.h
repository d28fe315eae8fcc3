/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Where a table's sections of code lie in this kernel, and whether they are its own. */
#ifndef CAIRN_KLINE_PLACE_H
#define CAIRN_KLINE_PLACE_H

#include "kline_port.h"
#include "lines/lines_table.h"

/* How far the running kernel is from where it was linked; false when it does not say. */
bool kline_kernel_slide(unsigned long *ret);

/* Is it the running kernel's, the module's, by build-id? */
bool kline_is_kernel(const struct lines_object *object);
bool kline_is_module(const struct lines_object *object, const struct module *mod);

/*
 * Where a section of a module begins, found by its functions' names; false when it is not there
 * (any more). May sleep; the module stays.
 */
bool kline_section_find(const struct lines_table *t, const struct lines_region *region,
			const struct module *mod, unsigned long *start_ret, bool *is_init_ret);

#endif
