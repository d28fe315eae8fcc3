/* SPDX-License-Identifier: MIT */
/* Any text as /proc/kallsyms: what is found lies at or before the address, and has a name. */
#include "symbol/kallsyms.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const uint64_t addresses[] = {0, 0x1000, 0xffffffff81000040, UINT64_MAX};
	struct kallsyms *k;
	if (kallsyms_parse((const char *)data, bytes, &k, NULL))
		return 0;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct kallsyms_symbol symbol;
		if (kallsyms_find(k, addresses[i], &symbol) &&
		    (symbol.start > addresses[i] || !*symbol.name))
			abort();
	}
	kallsyms_close(k);
	return 0;
}
