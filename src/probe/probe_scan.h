/* SPDX-License-Identifier: MIT */
/* What can be read at a place, by name and type: for lists. */
#ifndef CAIRN_PROBE_PROBE_SCAN_H
#define CAIRN_PROBE_PROBE_SCAN_H

#include "dwarf/dwarf_type.h"
#include "probe/probe_place.h"

struct probe_readable {
	const char *name;
	const char *type; /* as C writes it */
	bool is_parameter;
	const char *problem; /* why it cannot be read; NULL: it can */
	struct dwarf_type described;
};

struct probe_readables {
	ARRAY(struct probe_readable) items; /* parameters first, shadowed names left out */
	struct arena *arena;
};

/* Without debug information there is nothing to name: an empty list. */
int probe_scan(struct probe_file *f, const struct probe_place *place, struct probe_readables *ret,
	       struct err *e);
void probe_readables_deinit(struct probe_readables *r);

#endif
