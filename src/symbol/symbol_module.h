/* SPDX-License-Identifier: MIT */
/* One mapped file: opened, checked and read when its first address is asked for; answers kept. */
#ifndef CAIRN_SYMBOL_SYMBOL_MODULE_H
#define CAIRN_SYMBOL_SYMBOL_MODULE_H

#include "symbol/symbol.h"
#include "util/map.h"

enum { SYMBOL_INLINE_MAX = 32 };

struct elf_file;
struct dwarf_places;
struct line_reader;
struct symbol_answer;

struct symbol_module {
	char *path;
	char *build_id;
	const char *name; /* base name of the path */
	const char *debug_root;
	bool is_opened;
	struct elf_file *file;     /* NULL when it cannot be believed */
	struct elf_file *debug;    /* separate debug file, or NULL */
	struct line_reader *lines; /* the table it carries, or NULL: then */
	struct dwarf_places *places;
	struct err problem; /* why there are no lines, "" when there are */
	struct map answers; /* file offset → struct symbol_answer */
};

struct symbol_module *symbol_module_create(const char *path, const char *build_id,
					   const char *debug_root);
void symbol_module_destroy(struct symbol_module *m);

/* As symbol_find_all(), for an offset in the file. */
size_t symbol_module_find(struct symbol_module *m, uint64_t offset, struct symbol_place *ret,
			  size_t max);

/* A copy on the heap, as people write it: "shop::cart::add"; NULL without memory. */
char *symbol_demangle(const char *name);

/* A copy on the heap: `file` below `directory` where it is there, "." and ".." taken out. */
char *symbol_short_path(const char *file, const char *directory);

#endif
