/* SPDX-License-Identifier: MIT */
#include "probe/probe_file.h"
#include "elf/elf_debug.h"
#include "elf/elf_symbols.h"
#include "patch/patch_code.h"
#include "symbol/symbol_module.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

static bool is_code(const struct probe_file *f, uint64_t address)
{
	return patch_code_has(f->image->code, address);
}

static const char *last_part(const char *name)
{
	const char *last = name;
	for (const char *at = name; (at = strstr(at, "::")); at += 2)
		last = at + 2;
	return last;
}

static int add_function(struct probe_file *f, struct probe_function function, const char *linked)
{
	CLEANUP(free) char *plain = symbol_demangle(linked);
	if (!plain || !(function.name = arena_copy(f->arena, plain, strlen(plain))))
		return -ENOMEM;
	function.last = last_part(function.name);
	return array_push(&f->functions, function);
}

/* A linker that drops a function leaves its description, at address 0 or beyond. */
static int add_described(struct probe_file *f)
{
	array_each(d, &f->dwarf->functions) {
		struct probe_function function = {
			.start = d->entry, .dwarf = d, .is_inlined = d->is_inlined};
		bool is_mangled = d->linkage && d->linkage[0] == '_' &&
				  (d->linkage[1] == 'Z' || d->linkage[1] == 'R');
		if (is_code(f, d->entry) &&
		    add_function(f, function, is_mangled ? d->linkage : d->name))
			return -ENOMEM;
	}
	return 0;
}

static int function_order(const void *left, const void *right)
{
	const struct probe_function *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->is_inlined != b->is_inlined)
		return a->is_inlined ? 1 : -1;
	return !a->dwarf - !b->dwarf;
}

static void sort(struct probe_file *f)
{
	if (f->functions.count)
		qsort(f->functions.items, f->functions.count, sizeof(*f->functions.items),
		      function_order);
}

/* The first function at or behind an address. */
static size_t first_from(const struct probe_file *f, uint64_t address)
{
	return array_count_below(&f->functions, start, address);
}

/* The one out of line that begins exactly here, among the first `count`. */
static const struct probe_function *starting(const struct probe_file *f, uint64_t address)
{
	size_t i = first_from(f, address);
	bool is_here = i < f->functions.count && f->functions.items[i].start == address &&
		       !f->functions.items[i].is_inlined;
	return is_here ? &f->functions.items[i] : NULL;
}

/* A symbol is another name for what the debug information describes, or the only one. */
static int add_symbols(struct probe_file *f, struct elf_symbols *symbols)
{
	ARRAY(struct probe_function) found = {0};
	int code = 0;
	array_each(symbol, &symbols->table) {
		const struct probe_function *known = starting(f, symbol->start);
		if (!is_code(f, symbol->start) || symbol->start == symbol->end)
			continue;
		struct probe_function function = {.name = symbol->name,
						  .start = symbol->start,
						  .end = symbol->end,
						  .dwarf = known ? known->dwarf : NULL};
		bool is_same =
			known && known->dwarf &&
			(!strcmp(known->dwarf->name, symbol->name) ||
			 (known->dwarf->linkage && !strcmp(known->dwarf->linkage, symbol->name)));
		if (!is_same && array_push(&found, function)) {
			code = -ENOMEM;
			break;
		}
	}
	array_each(function, &found) {
		if (!code)
			code = add_function(f, *function, function->name);
	}
	array_free(&found);
	return code;
}

static int read_symbols(struct probe_file *f)
{
	struct elf_symbols symbols = {0};
	struct elf_file *best = f->debug && !elf_file_has_symbols(f->code) ? f->debug : f->code;
	if (!elf_symbols_read(elf_file_handle(best), SHT_SYMTAB, &symbols))
		elf_symbols_read(elf_file_handle(f->code), SHT_DYNSYM, &symbols);
	int code = add_symbols(f, &symbols);
	elf_symbols_deinit(&symbols);
	sort(f);
	return code;
}

/* What nothing has a name for, but stands in .eh_frame: "fn_4f20". */
static int add_nameless(struct probe_file *f)
{
	struct cfi_entry entry;
	ARRAY(struct probe_function) found = {0};
	int code = 0;
	for (size_t at = 0; !code && cfi_next(&f->image->cfi, &at, &entry);) {
		struct probe_function function = {.start = entry.start, .end = entry.end};
		if (is_code(f, entry.start) && !starting(f, entry.start) &&
		    !probe_file_function(f, entry.start) && inject_code_is_called(f->image, &entry))
			code = array_push(&found, function);
	}
	array_each(function, &found) {
		char name[32];
		snprintf(name, sizeof(name), "fn_%" PRIx64, function->start);
		if (!code)
			code = add_function(f, *function, name);
	}
	array_free(&found);
	sort(f);
	return code;
}

static int read_functions(struct probe_file *f, struct err *e)
{
	int code = f->dwarf ? add_described(f) : 0;
	sort(f);
	if (!code)
		code = read_symbols(f);
	if (!code)
		code = add_nameless(f);
	return code ? err_set(e, ENOMEM, "%s: no memory", f->path) : 0;
}

static int open_parts(struct probe_file *f, const char *path, struct err *e)
{
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(e, "%s", path);
	int code = elf_file_open(path, &f->code, e);
	if (!code)
		code = inject_code_open(fd, path, &f->image, e);
	if (code)
		return code;
	if (!elf_file_has_lines(f->code) &&
	    elf_debug_open(f->code, ELF_DEBUG_ROOT, &f->debug, &f->problem))
		return 0;
	dwarf_file_open(f->code, f->debug ? f->debug : f->code, &f->dwarf, &f->problem);
	return 0;
}

int probe_file_open(const char *path, struct probe_file **ret, struct err *e)
{
	struct probe_file *f = calloc(1, sizeof(*f));
	if (f) {
		f->path = strdup(path);
		f->arena = arena_create();
	}
	int code = 0;
	if (!f || !f->path || !f->arena)
		code = err_set(e, ENOMEM, "%s: no memory", path);
	if (!code)
		code = open_parts(f, path, e);
	if (!code)
		code = read_functions(f, e);
	if (code)
		probe_file_close(f);
	else
		*ret = f;
	return code;
}

void probe_file_close(struct probe_file *f)
{
	if (!f)
		return;
	array_free(&f->functions);
	dwarf_file_close(f->dwarf);
	inject_code_close(f->image);
	elf_file_close(f->debug);
	elf_file_close(f->code);
	arena_destroy(f->arena);
	free(f->path);
	free(f);
}

static bool contains(const struct probe_function *function, uint64_t address)
{
	ptrdiff_t at = 0;
	uint64_t start, end;
	if (!function->dwarf)
		return address >= function->start && address < function->end;
	while (dwarf_function_next(function->dwarf, &at, &start, &end)) {
		if (address >= start && address < end)
			return true;
	}
	return false;
}

const struct probe_function *probe_file_function(const struct probe_file *f, uint64_t address)
{
	enum { LOOK_BACK_MAX = 4096 };
	size_t i = first_from(f, address + 1);
	for (unsigned looked = 0; i-- > 0 && looked < LOOK_BACK_MAX; looked++) {
		const struct probe_function *function = &f->functions.items[i];
		if (!function->is_inlined && contains(function, address))
			return function;
	}
	return NULL;
}

const uint8_t *probe_file_bytes(const struct probe_file *f, uint64_t address, size_t *bytes_ret)
{
	const struct patch_bytes *text = &f->image->image.text;
	if (!is_code(f, address))
		return NULL;
	*bytes_ret = text->bytes - (address - text->address);
	return patch_code_at(f->image->code, address);
}
