/* SPDX-License-Identifier: MIT */
#include "symbol/symbol_lines.h"

#include <elf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static struct line_reader *open_reader(const char *path)
{
	struct line_reader *r = malloc(sizeof(*r));
	if (!r || !line_reader_open(r, path, NULL))
		return r;
	symbol_lines_destroy(r);
	return NULL;
}

void symbol_lines_destroy(struct line_reader *r)
{
	if (!r)
		return;
	line_reader_close(r);
	free(r);
}

struct line_reader *symbol_lines_of_program(const char *path, const char *build_id)
{
	struct line_reader *r = open_reader(path);
	struct lines_object object;
	char digits[2 * LINES_BUILD_ID_MAX + 1] = "";
	if (!r)
		return NULL;
	if (lines_object_at(&r->table, 0, &object))
		for (unsigned i = 0; i < object.build_id_bytes && i < LINES_BUILD_ID_MAX; i++)
			snprintf(digits + 2 * i, 3, "%02x", object.build_id[i]);
	if (!strcmp(digits, build_id))
		return r;
	symbol_lines_destroy(r);
	return NULL;
}

/* The running kernel's build-id; its number of bytes, 0 when it does not tell. */
static size_t running_build_id(uint8_t *ret, size_t room)
{
	uint8_t notes[4096];
	FILE *in = fopen("/sys/kernel/notes", "re");
	size_t bytes = in ? fread(notes, 1, sizeof(notes), in) : 0;
	if (in)
		fclose(in);
	for (size_t at = 0; at + 16 <= bytes;) {
		uint32_t head[3];
		memcpy(head, notes + at, sizeof(head));
		size_t name = at + 12, data = name + ((size_t)(head[0] + 3) & ~3ul);
		if (head[0] > bytes || head[1] > bytes || data + head[1] > bytes)
			break;
		if (head[2] == NT_GNU_BUILD_ID && head[0] == 4 && head[1] <= room &&
		    !memcmp(notes + name, "GNU", 4)) {
			memcpy(ret, notes + data, head[1]);
			return head[1];
		}
		at = data + ((size_t)(head[1] + 3) & ~3ul);
	}
	return 0;
}

int symbol_lines_kernel_path(char *ret, size_t room)
{
	struct utsname self;
	uname(&self);
	return snprintf(ret, room, "/lib/modules/%s/cairn.lines", self.release);
}

struct line_reader *symbol_lines_of_kernel(const char *path)
{
	struct lines_object object;
	uint8_t id[LINES_BUILD_ID_MAX];
	char standard[PATH_MAX];
	size_t bytes = running_build_id(id, sizeof(id));
	if (!bytes)
		return NULL;
	symbol_lines_kernel_path(standard, sizeof(standard));
	struct line_reader *r = open_reader(path ? path : standard);
	for (uint32_t i = 0; r && lines_object_at(&r->table, i, &object); i++)
		if (!object.is_module && object.build_id_bytes == bytes &&
		    !memcmp(object.build_id, id, bytes))
			return r;
	symbol_lines_destroy(r);
	return NULL;
}

static const char *function_name(struct line_reader *r, uint32_t function, char *room)
{
	return lines_function_name(&r->table, function, room) ? room : NULL;
}

size_t symbol_lines_find(struct line_reader *r, uint64_t address, struct dwarf_place *ret,
			 size_t max, struct symbol_lines_names *names)
{
	struct line_question q = {.address = address};
	struct lines_region region;
	struct lines_walk walk;
	struct lines_chain chain = {.depth = 0};
	struct lines_symbol symbol;
	size_t count = 0;
	if (!max || !line_reader_region(r, address, &q.region) || line_reader_ask(r, &q, 1) ||
	    !q.is_exact || !lines_region_at(&r->table, q.region, &region))
		return 0;
	struct dwarf_place place = {.file = line_reader_file(r, q.site.file), .line = q.site.line};
	lines_chain_find(&r->table, &region, address, &walk, &chain);
	while (chain.depth > 0 && count + 1 < max && count + 1 < SYMBOL_LINES_MAX) {
		const struct lines_call *call = &chain.calls[--chain.depth];
		place.function = function_name(r, call->function, names->functions[count]);
		place.is_inlined = true;
		ret[count++] = place;
		place = (struct dwarf_place){.file = line_reader_file(r, call->from.file),
					     .line = call->from.line};
	}
	if (lines_symbol_find(&r->table, &region, address, &symbol))
		place.function = function_name(r, symbol.function, names->functions[count]);
	if (place.function || place.file)
		ret[count++] = place;
	return count;
}

bool symbol_lines_find_function(struct line_reader *r, const char *function, uint64_t offset,
				bool is_return, const char **file_ret, uint32_t *line_ret)
{
	struct line_question q = {.asked = is_return ? LINE_ASKED_RETURN : LINE_ASKED_ANY};
	uint32_t number, at = 0, again;
	struct lines_symbol symbol, other;
	struct lines_region region;
	if (!line_reader_function(r, function, &number) ||
	    !line_reader_next_symbol(r, number, &at, &symbol, &q.region) ||
	    line_reader_next_symbol(r, number, &at, &other, &again) ||
	    !lines_region_at(&r->table, q.region, &region))
		return false;
	q.address = region.address + symbol.address + offset;
	if (line_reader_ask(r, &q, 1) || !q.is_exact || !q.site.line)
		return false;
	*file_ret = line_reader_file(r, q.site.file);
	*line_ret = q.site.line;
	return *file_ret != NULL;
}
