/* SPDX-License-Identifier: MIT */
/* The function symbols of one ELF symbol table, sorted for the question "which is around here?" */
#ifndef CAIRN_ELF_ELF_SYMBOLS_H
#define CAIRN_ELF_ELF_SYMBOLS_H

#include "elf/elf_file.h"
#include "util/array.h"

struct elf_symbols {
	ARRAY(struct elf_symbol) table;
};

/* Adds the functions of the first section of the type; false when there are none. */
bool elf_symbols_read(struct Elf *elf, uint32_t section_type, struct elf_symbols *ret);
bool elf_symbols_find(const struct elf_symbols *s, uint64_t address, struct elf_symbol *ret);
void elf_symbols_deinit(struct elf_symbols *s);

#endif
