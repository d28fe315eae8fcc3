/* SPDX-License-Identifier: MIT */
/* Any bytes as a mapped ELF file: its identity, its segments, its symbols. */
#include "elf/elf_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct elf_file *f;
	if (elf_file_open_memory(data, bytes, "fuzz", &f, NULL))
		return 0;
	const char *name;
	uint32_t crc;
	elf_file_debuglink(f, &name, &crc);
	elf_file_has_lines(f);
	for (uint64_t offset = 0; offset < bytes; offset += 61) {
		uint64_t address;
		struct elf_symbol symbol;
		if (elf_file_address(f, offset, &address) && elf_file_symbol(f, address, &symbol) &&
		    (symbol.start > address || symbol.end <= address || !*symbol.name))
			abort();
	}
	elf_file_close(f);
	return 0;
}
