/* SPDX-License-Identifier: MIT */
#include "lineinfo/line_rows.h"
#include "util/text.h"

#include <elfutils/libdw.h>
#include <string.h>

/* The rows of one unbroken stretch of code. */
struct sequence {
	uint64_t start, end;
	size_t first, count;
};

struct reader {
	struct line_files *files;
	struct map file_by_name; /* libdw's own string → file + 1 */
	ARRAY(struct line_row) raw;
	ARRAY(struct sequence) sequences;
	uint64_t raw_count;
};

static uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
	return hash;
}

/* Takes the copy over. */
static uint32_t put_name(struct line_files *f, char *copy)
{
	uint64_t key = hash_text(copy);
	for (uint64_t *found; (found = map_find(&f->by_hash, key)); key++) {
		if (!strcmp(f->names.items[*found], copy)) {
			free(copy);
			return (uint32_t)*found;
		}
	}
	uint64_t *place = map_put(&f->by_hash, key);
	if (!place || array_push(&f->units, 0) || array_push(&f->names, copy)) {
		if (place)
			map_remove(&f->by_hash, key);
		free(copy);
		return LINE_NO_FILE;
	}
	*place = f->names.count - 1;
	return (uint32_t)*place;
}

uint32_t line_files_put(struct line_files *f, const char *name)
{
	char *copy = strdup(name);
	if (!copy)
		return LINE_NO_FILE;
	text_normalize_path(copy);
	return put_name(f, copy);
}

uint32_t line_names_put(struct line_files *f, const char *name)
{
	char *copy = strdup(name);
	return copy ? put_name(f, copy) : LINE_NO_FILE;
}

void line_files_deinit(struct line_files *f)
{
	array_each(name, &f->names)
		free(*name);
	array_free(&f->names);
	array_free(&f->units);
	map_deinit(&f->by_hash);
}

static uint32_t file_of(struct reader *r, Dwarf_Line *line)
{
	const char *name = dwarf_linesrc(line, NULL, NULL);
	uint64_t *kept = name ? map_put(&r->file_by_name, (uintptr_t)name) : NULL;
	if (!kept)
		return LINE_NO_FILE;
	if (!*kept) {
		uint32_t file = line_files_put(r->files, name);
		if (file != LINE_NO_FILE)
			r->files->units.items[file]++;
		*kept = (uint64_t)file + 1;
	}
	return (uint32_t)(*kept - 1);
}

/* The last row of an address counts: an earlier one is replaced. */
static int add_row(struct reader *r, struct sequence *now, struct line_row row)
{
	struct line_row *last = now->count ? &r->raw.items[r->raw.count - 1] : NULL;
	if (last && last->address == row.address) {
		*last = row;
		return 0;
	}
	now->count++;
	return array_push(&r->raw, row);
}

static int end_sequence(struct reader *r, struct sequence *now, uint64_t end)
{
	struct sequence done = *now;
	*now = (struct sequence){.first = r->raw.count};
	done.end = end;
	if (!done.count || done.end <= done.start || !done.start)
		return 0;
	return array_push(&r->sequences, done);
}

static int read_unit(struct reader *r, Dwarf_Die *unit)
{
	Dwarf_Lines *lines;
	size_t count;
	if (dwarf_getsrclines(unit, &lines, &count))
		return 0;
	struct sequence now = {.first = r->raw.count};
	uint64_t ended_at = 0;
	for (size_t i = 0; i < count; i++) {
		Dwarf_Line *line = dwarf_onesrcline(lines, i);
		Dwarf_Addr address;
		bool ends = false;
		int number = 0;
		dwarf_lineaddr(line, &address);
		dwarf_lineendsequence(line, &ends);
		if (ends) {
			if (end_sequence(r, &now, address))
				return -ENOMEM;
			ended_at = address;
			continue;
		}
		r->raw_count++;
		/* libdw sorts an empty last row behind the end that it stands on. */
		if (!now.count && address == ended_at && !dwarf_haspc(unit, address))
			continue;
		dwarf_lineno(line, &number);
		if (!now.count)
			now.start = address;
		struct line_row row = {address, file_of(r, line), (uint32_t)number, 0};
		if (add_row(r, &now, row))
			return -ENOMEM;
	}
	return 0;
}

static int sequence_order(const void *left, const void *right)
{
	const struct sequence *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

static int put_row(struct line_rows *ret, struct line_row row)
{
	if (ret->rows.count) {
		struct line_row *last = &ret->rows.items[ret->rows.count - 1];
		if (last->address == row.address)
			ret->rows.count--;
		last -= last->address == row.address;
		if (ret->rows.count && last->file == row.file && last->line == row.line)
			return 0;
	}
	return array_push(&ret->rows, row);
}

/* What an earlier sequence covers already is left out of a later one. */
static int join_sequences(struct reader *r, struct line_rows *ret)
{
	uint64_t covered = 0;
	array_each(s, &r->sequences) {
		if (s->end <= covered)
			continue;
		for (size_t i = s->first; i < s->first + s->count; i++) {
			struct line_row row = r->raw.items[i];
			if (i + 1 < s->first + s->count && row.address < covered &&
			    r->raw.items[i + 1].address <= covered)
				continue;
			row.address = row.address < covered ? covered : row.address;
			if (put_row(ret, row))
				return -ENOMEM;
		}
		if (put_row(ret, (struct line_row){s->end, LINE_NO_FILE, 0, 0}))
			return -ENOMEM;
		covered = s->end;
	}
	return 0;
}

int line_rows_read(struct line_rows *ret, struct line_files *files, struct line_object *object,
		   struct err *e)
{
	struct reader r = {.files = files};
	Dwarf_CU *unit = NULL;
	Dwarf_Die die, split;
	uint8_t type;
	int failed = 0;
	while (!failed && !dwarf_get_units(object->dwarf, unit, &unit, NULL, &type, &die, &split))
		failed = read_unit(&r, &die);
	if (r.sequences.count)
		qsort(r.sequences.items, r.sequences.count, sizeof(*r.sequences.items),
		      sequence_order);
	if (!failed)
		failed = join_sequences(&r, ret);
	ret->raw_count += r.raw_count;
	array_free(&r.raw);
	array_free(&r.sequences);
	map_deinit(&r.file_by_name);
	if (failed)
		return err_set(e, ENOMEM, "%s: no memory for its lines", object->name);
	if (!ret->rows.count)
		return err_set(e, ENODATA, "%s: its debug information has no lines", object->name);
	return 0;
}

void line_rows_deinit(struct line_rows *r)
{
	array_free(&r->rows);
}

const struct line_row *line_rows_find(const struct line_rows *r, uint64_t address)
{
	size_t low = array_count_to(&r->rows, address, address);
	return low ? &r->rows.items[low - 1] : NULL;
}
