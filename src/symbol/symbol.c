/* SPDX-License-Identifier: MIT */
#include "symbol/symbol.h"
#include "elf/elf_debug.h"
#include "symbol/kallsyms.h"
#include "symbol/symbol_lines.h"
#include "symbol/symbol_module.h"
#include "symbol/symbol_space.h"
#include "util/array.h"
#include "util/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct kernel_name {
	char *name;
	uint64_t offset;
};

struct symbol {
	char *debug_root;
	ARRAY(struct symbol_module *) modules;
	struct map module_by_hash; /* hash of path and build-id → index of its newest module + 1 */
	struct symbol_space space;
	struct map kernel;                /* address → struct kernel_name */
	struct kallsyms *running;         /* or NULL */
	struct line_reader *kernel_lines; /* of the running kernel, or NULL */
};

int symbol_create(struct symbol **ret, struct err *e)
{
	struct symbol *s = calloc(1, sizeof(*s));
	char *root = strdup(ELF_DEBUG_ROOT);
	if (!s || !root) {
		free(s);
		free(root);
		return err_set(e, ENOMEM, "no memory for symbols");
	}
	s->debug_root = root;
	*ret = s;
	return 0;
}

void symbol_destroy(struct symbol *s)
{
	if (!s)
		return;
	array_each(module, &s->modules)
		symbol_module_destroy(*module);
	array_free(&s->modules);
	map_deinit(&s->module_by_hash);
	space_deinit(&s->space);
	map_each(slot, &s->kernel) {
		struct kernel_name *name = (struct kernel_name *)(uintptr_t)slot->value;
		if (name)
			free(name->name);
		free(name);
	}
	map_deinit(&s->kernel);
	kallsyms_close(s->running);
	symbol_lines_destroy(s->kernel_lines);
	free(s->debug_root);
	free(s);
}

int symbol_set_debug_root(struct symbol *s, const char *directory, struct err *e)
{
	char *root = strdup(directory);
	if (!root)
		return err_set(e, ENOMEM, "no memory for symbols");
	free(s->debug_root);
	s->debug_root = root;
	array_each(module, &s->modules)
		(*module)->debug_root = root;
	return 0;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
	return hash * 0x100000001b3u;
}

/* One module for each path and build-id; NULL without memory. */
static struct symbol_module *module_of(struct symbol *s, const char *path, const char *build_id)
{
	uint64_t key = hash_text(hash_text(0xcbf29ce484222325u, path), build_id);
	for (uint64_t *index; (index = map_find(&s->module_by_hash, key)); key++) {
		struct symbol_module *m = s->modules.items[*index];
		if (!strcmp(m->path, path) && !strcmp(m->build_id, build_id))
			return m;
	}
	struct symbol_module *m = symbol_module_create(path, build_id, s->debug_root);
	uint64_t *place = m ? map_put(&s->module_by_hash, key) : NULL;
	if (!place || array_push(&s->modules, m)) {
		if (place)
			map_remove(&s->module_by_hash, key);
		symbol_module_destroy(m);
		return NULL;
	}
	*place = s->modules.count - 1;
	return m;
}

int symbol_add_map(struct symbol *s, const struct symbol_map *map, struct err *e)
{
	struct space_map kept = {map->time_ns, map->start, map->end, map->offset,
				 module_of(s, map->path, map->build_id)};
	if (!kept.module || space_add_map(&s->space, map->pid, &kept))
		return err_set(e, ENOMEM, "no memory for the maps of process %d", map->pid);
	return 0;
}

int symbol_add_fork(struct symbol *s, int32_t parent_pid, int32_t child_pid, uint64_t time_ns,
		    struct err *e)
{
	if (space_add_image(&s->space, child_pid, time_ns, parent_pid))
		return err_set(e, ENOMEM, "no memory for process %d", child_pid);
	return 0;
}

int symbol_add_exec(struct symbol *s, int32_t pid, uint64_t time_ns, struct err *e)
{
	if (space_add_image(&s->space, pid, time_ns, -1))
		return err_set(e, ENOMEM, "no memory for process %d", pid);
	return 0;
}

int symbol_add_kernel(struct symbol *s, uint64_t address, const char *name, uint64_t offset,
		      struct err *e)
{
	uint64_t *place = map_put(&s->kernel, address);
	if (place && *place)
		return 0;
	struct kernel_name *kept = place ? calloc(1, sizeof(*kept)) : NULL;
	char *copy = kept ? strdup(name) : NULL;
	if (!copy) {
		free(kept);
		return err_set(e, ENOMEM, "no memory for the kernel's symbols");
	}
	*kept = (struct kernel_name){copy, offset};
	*place = (uintptr_t)kept;
	return 0;
}

int symbol_use_running_kernel(struct symbol *s, const char *boot_id, struct err *e)
{
	char now[64] = "";
	CLEANUP(stream) FILE *in = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (!in || !fgets(now, sizeof(now), in))
		return err_errno(e, "/proc/sys/kernel/random/boot_id");
	now[strcspn(now, "\n")] = 0;
	if (strcmp(now, boot_id))
		return err_set(e, ESTALE, "the machine was booted again since the recording");
	if (!s->kernel_lines)
		s->kernel_lines = symbol_lines_of_kernel(NULL);
	return s->running ? 0 : kallsyms_open(&s->running, e);
}

static void find_in_kernel(struct symbol *s, uint64_t ip, uint64_t looked_up,
			   struct symbol_place *ret)
{
	struct kallsyms_symbol symbol;
	*ret = (struct symbol_place){.is_kernel = true, .module = "kernel"};
	struct kernel_name *name = map_find_pointer(&s->kernel, ip);
	if (name) {
		ret->function = name->name;
		ret->module_offset = name->offset;
	} else if (s->running && kallsyms_find(s->running, looked_up, &symbol)) {
		ret->function = symbol.name;
		ret->module_offset = ip - symbol.start;
		if (*symbol.module)
			ret->module = symbol.module;
	}
	if (ret->function && s->kernel_lines && !strcmp(ret->module, "kernel") &&
	    symbol_lines_find_function(s->kernel_lines, ret->function, ret->module_offset,
				       ip != looked_up, &ret->file, &ret->line))
		return;
	ret->reason = ret->function ? "the kernel has no line table (man cairn-lines)"
				    : "the trace has no name for this address of the kernel";
}

size_t symbol_find_all(struct symbol *s, int32_t pid, uint64_t time_ns, uint64_t ip, bool is_return,
		       struct symbol_place *ret, size_t max)
{
	uint64_t looked_up = is_return && ip ? ip - 1 : ip;
	if (ip >> 63) {
		find_in_kernel(s, ip, looked_up, ret);
		return 1;
	}
	const struct space_map *map = space_find(&s->space, pid, time_ns, looked_up);
	size_t count = map ? symbol_module_find(map->module, looked_up - map->start + map->offset,
						ret, max)
			   : 0;
	if (count)
		return count;
	*ret = (struct symbol_place){
		.reason =
			map ? "no memory" : "no file was mapped there, as far as the trace knows"};
	return 1;
}

bool symbol_find(struct symbol *s, int32_t pid, uint64_t time_ns, uint64_t ip, bool is_return,
		 struct symbol_place *ret)
{
	symbol_find_all(s, pid, time_ns, ip, is_return, ret, 1);
	return ret->function || ret->line;
}

void symbol_print(const struct symbol_place *place, uint64_t ip, struct text *t)
{
	if (place->function)
		text_print(t, "%s", place->function);
	else if (place->module && !place->is_kernel)
		text_print(t, "%s+0x%" PRIx64, place->module, place->module_offset);
	else
		text_print(t, "0x%" PRIx64, ip);
	if (place->file && place->line)
		text_print(t, "  %s:%u", place->file, place->line);
}

const char *symbol_next_problem(const struct symbol *s, size_t *at)
{
	while (*at < s->modules.count) {
		const struct symbol_module *m = s->modules.items[(*at)++];
		if (m->is_opened && *m->problem.text)
			return m->problem.text;
	}
	return NULL;
}
