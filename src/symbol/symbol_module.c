/* SPDX-License-Identifier: MIT */
#include "symbol/symbol_module.h"
#include "dwarf/dwarf_place.h"
#include "elf/elf_debug.h"
#include "symbol/symbol_lines.h"
#include "symbol/symbol_vdso.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

struct symbol_answer {
	size_t count;
	struct symbol_place places[];
};

struct symbol_module *symbol_module_create(const char *path, const char *build_id,
					   const char *debug_root)
{
	struct symbol_module *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->path = strdup(path);
	m->build_id = strdup(build_id);
	m->debug_root = debug_root;
	if (!m->path || !m->build_id) {
		symbol_module_destroy(m);
		return NULL;
	}
	const char *slash = strrchr(m->path, '/');
	m->name = slash ? slash + 1 : m->path;
	return m;
}

void symbol_module_destroy(struct symbol_module *m)
{
	if (!m)
		return;
	map_each(slot, &m->answers) {
		struct symbol_answer *answer = (struct symbol_answer *)(uintptr_t)slot->value;
		for (size_t i = 0; answer && i < answer->count; i++) {
			free((char *)answer->places[i].function);
			free((char *)answer->places[i].file);
		}
		free(answer);
	}
	map_deinit(&m->answers);
	symbol_lines_destroy(m->lines);
	dwarf_places_close(m->places);
	elf_file_close(m->debug);
	elf_file_close(m->file);
	free(m->build_id);
	free(m->path);
	free(m);
}

/* The mapped file as it is on the disk now, if it still is the one of the trace. */
static int module_open_file(struct symbol_module *m)
{
	bool is_vdso = !strcmp(m->path, "[vdso]");
	int code = is_vdso ? symbol_vdso_open(&m->file, &m->problem)
			   : elf_file_open(m->path, &m->file, &m->problem);
	if (code || !strcmp(m->build_id, elf_file_build_id(m->file)))
		return code;
	elf_file_close(TAKE(m->file, NULL));
	if (is_vdso)
		return err_set(&m->problem, ESTALE, "the vdso is another kernel's");
	return err_set(&m->problem, ESTALE, "%s was replaced since", m->path);
}

static void module_open(struct symbol_module *m)
{
	m->is_opened = true;
	if (module_open_file(m))
		return;
	m->lines = symbol_lines_of_program(m->path, m->build_id);
	if (m->lines)
		return;
	if (!elf_file_has_lines(m->file) &&
	    elf_debug_open(m->file, m->debug_root, &m->debug, &m->problem))
		return;
	dwarf_places_open(m->debug ? m->debug : m->file, &m->places, &m->problem);
}

/* The name alone: from whichever file still has its symbol table. */
static const char *module_symbol(struct symbol_module *m, uint64_t address)
{
	struct elf_symbol symbol;
	struct elf_file *best = m->debug && !elf_file_has_symbols(m->file) ? m->debug : m->file;
	return elf_file_symbol(best, address, &symbol) ? symbol.name : NULL;
}

static const char *missing(const struct symbol_module *m, const struct dwarf_place *place)
{
	if (place->function && place->line)
		return NULL;
	if (*m->problem.text)
		return m->problem.text;
	return place->file ? "the compiler gave this code no line"
			   : "the debug information says nothing of this address";
}

static struct symbol_answer *module_ask(struct symbol_module *m, uint64_t offset)
{
	struct dwarf_place places[SYMBOL_INLINE_MAX];
	struct symbol_lines_names names;
	size_t count = 0;
	uint64_t address = 0;
	bool is_loaded = m->file && elf_file_address(m->file, offset, &address);
	if (is_loaded && m->lines)
		count = symbol_lines_find(m->lines, address, places, SYMBOL_INLINE_MAX, &names);
	else if (is_loaded && m->places)
		count = dwarf_places_find(m->places, address, places, SYMBOL_INLINE_MAX);
	if (!count) {
		places[0] = (struct dwarf_place){.function = NULL};
		count = 1;
	}
	if (is_loaded && !places[count - 1].function)
		places[count - 1].function = module_symbol(m, address);
	struct symbol_answer *answer =
		calloc(1, sizeof(*answer) + count * sizeof(answer->places[0]));
	if (!answer)
		return NULL;
	answer->count = count;
	for (size_t i = 0; i < count; i++) {
		const struct dwarf_place *from = &places[i];
		answer->places[i] = (struct symbol_place){
			.function = from->function ? symbol_demangle(from->function) : NULL,
			.file = from->file ? symbol_short_path(from->file, from->directory) : NULL,
			.line = from->line,
			.is_inlined = from->is_inlined,
			.module = m->name,
			.module_offset = offset,
			.reason = missing(m, from),
		};
	}
	return answer;
}

size_t symbol_module_find(struct symbol_module *m, uint64_t offset, struct symbol_place *ret,
			  size_t max)
{
	if (!m->is_opened)
		module_open(m);
	uint64_t *kept = map_put(&m->answers, offset);
	if (kept && !*kept)
		*kept = (uintptr_t)module_ask(m, offset);
	struct symbol_answer *answer = kept ? (struct symbol_answer *)(uintptr_t)*kept : NULL;
	if (!answer)
		return 0;
	size_t count = answer->count < max ? answer->count : max;
	memcpy(ret, answer->places, count * sizeof(*ret));
	return count;
}
