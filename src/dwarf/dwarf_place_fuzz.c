/* SPDX-License-Identifier: MIT */
/* Any bytes as an ELF file with debug information: every answer is whole, and it ends. */
#include "dwarf/dwarf_place.h"

#include <string.h>

enum { FUZZ_INLINED_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct elf_file *f;
	struct dwarf_places *places;
	if (elf_file_open_memory(data, bytes, "fuzz", &f, NULL))
		return 0;
	volatile size_t read = 0;
	if (!dwarf_places_open(f, &places, NULL)) {
		for (uint64_t address = 0; address < 0x2000; address += 5) {
			struct dwarf_place place[FUZZ_INLINED_MAX];
			size_t count = dwarf_places_find(places, address, place, FUZZ_INLINED_MAX);
			for (size_t i = 0; i < count; i++) {
				read += place[i].function ? strlen(place[i].function) : 0;
				read += place[i].file ? strlen(place[i].file) : 0;
			}
		}
		dwarf_places_close(places);
	}
	elf_file_close(f);
	return 0;
}
