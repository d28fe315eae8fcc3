/* SPDX-License-Identifier: MIT */
/*
 * An ELF file as a place of code: its identity, its segments, its symbols.
 *
 * Nothing in the file is trusted: a truncated or hostile one gives a sentence, or fewer symbols.
 */
#ifndef CAIRN_ELF_ELF_FILE_H
#define CAIRN_ELF_ELF_FILE_H

#include "util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ELF_BUILD_ID_BYTES_MAX = 64,
	ELF_BUILD_ID_TEXT_BYTES = 2 * ELF_BUILD_ID_BYTES_MAX + 1,
};

struct Elf;
struct elf_file;

struct elf_symbol {
	uint64_t start, end;
	const char *name; /* as linked, not demangled; lives as long as the file is open */
	bool has_size;    /* else `end` is where the next symbol begins */
};

int elf_file_open(const char *path, struct elf_file **ret, struct err *e);

/* An image in memory, which must outlive the file; `name` is for sentences. */
int elf_file_open_memory(const void *image, size_t bytes, const char *name, struct elf_file **ret,
			 struct err *e);
void elf_file_close(struct elf_file *f);

struct Elf *elf_file_handle(struct elf_file *f);
const char *elf_file_path(const struct elf_file *f);

/* In lower-case hexadecimal digits, "" without one. */
const char *elf_file_build_id(const struct elf_file *f);

/* Where the linker put the byte at `offset` of the file; false when no segment loads it. */
bool elf_file_address(const struct elf_file *f, uint64_t offset, uint64_t *ret);

/* The function symbol around an address, from .symtab, or .dynsym where that was stripped. */
bool elf_file_symbol(struct elf_file *f, uint64_t address, struct elf_symbol *ret);
bool elf_file_has_symbols(struct elf_file *f); /* a .symtab */
bool elf_file_has_lines(struct elf_file *f);   /* DWARF */

/* The name and check sum of the .gnu_debuglink section; false without one. */
bool elf_file_debuglink(struct elf_file *f, const char **name_ret, uint32_t *crc_ret);

/*
 * The build-id of a file by descriptor, reading nothing but its notes: `text` gets the digits, ""
 * where there is none. -ENOEXEC when it is not an ELF file.
 */
int elf_build_id_read(int fd, char text[static ELF_BUILD_ID_TEXT_BYTES]);

#endif
