/* SPDX-License-Identifier: MIT */
#include "lineinfo/unwind_pads.h"

#include "base/leb128.h"

#include <dwarf.h>
#include <errno.h>

bool cfi_pads_open(struct cfi_pads *p, const struct cfi_entry *entry, const uint8_t *data,
		   size_t bytes)
{
	struct cursor c = cursor_over(data, bytes);
	uint8_t from = cursor_u8(&c);

	p->from = entry->start;
	if (from != DW_EH_PE_omit)
		p->from = cfi_take_encoded(&c, from, entry->pads + (uint64_t)(c.at - data));
	if (cursor_u8(&c) != DW_EH_PE_omit)
		cursor_uleb(&c); /* where the types end */
	p->encoding = cursor_u8(&c);
	size_t sites = cursor_uleb(&c);
	const uint8_t *first = cursor_take(&c, sites);
	p->sites = cursor_over(first, first ? sites : 0);
	return cursor_ok(&c) && (p->encoding & 0x70) == 0;
}

int cfi_pads_next(struct cfi_pads *p, uint64_t *ret)
{
	while (cursor_left(&p->sites)) {
		cfi_take_encoded(&p->sites, p->encoding, 0); /* the calls it is for */
		cfi_take_encoded(&p->sites, p->encoding, 0);
		uint64_t pad = cfi_take_encoded(&p->sites, p->encoding, 0);
		cursor_uleb(&p->sites);
		if (!cursor_ok(&p->sites))
			return -EINVAL;
		if (pad) {
			*ret = p->from + pad;
			return 1;
		}
	}
	return 0;
}
