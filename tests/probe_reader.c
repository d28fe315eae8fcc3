/* SPDX-License-Identifier: MIT */
/*
 * Reads values at places of a stopped process as a probe there would, for tests/gdb_values.py:
 * its programs are run by the reference interpreter on registers that the caller gives and memory
 * as it is in /proc/PID/mem. Commands come as lines, answers end with the line "end".
 *
 *	places SPEC             → a line a place: number, address, function, kind
 *	values NUMBER           → a line a value: expression, "ok" or why it is missing
 *	read NUMBER PID REG…    → a line a value that is there: shape, bytes, sign, fault, the bytes
 *	count SPEC              → parameters: readable, all; locals: readable, all
 */
#include "probe/probe_scan.h"
#include "probe/probe_value.h"
#include "util/array.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEMBERS_MAX = 5, REGION_BYTES_MAX = 8 << 20, BELOW_STACK = 65536 };

struct reading {
	char *text;
	struct probe_spec *spec;
	struct probe_program *program;
};

struct place {
	struct probe_place place;
	bool is_prepared;
	ARRAY(struct reading) readings;
};

struct region {
	uint64_t start, end;
	bool is_constant;
	uint8_t *data;
};

struct reader {
	struct probe_file *file;
	ARRAY(struct place) places;
	ARRAY(struct region) regions;
	ARRAY(struct prog_window) windows;
	pid_t pid;
};

static void add_reading(struct reader *r, struct place *p, const char *expression)
{
	struct reading reading = {.text = strdup(expression)};
	struct err e;
	CLEANUP_TEXT struct text spec = {0};
	text_print(&spec, "x: %s", expression);
	if (probe_spec_parse(spec.data, &reading.spec, &e) ||
	    probe_program_create(r->file, &p->place, reading.spec, &reading.program, &e))
		printf("error %s: %s\n", expression, e.text);
	else
		(void)array_push(&p->readings, reading);
}

static bool is_shown(const struct dwarf_type *t)
{
	return t->kind != DWARF_STRUCT && t->kind != DWARF_OTHER && t->kind != DWARF_VOID &&
	       t->kind != DWARF_FUNCTION && t->bytes;
}

/* The first members of a structure, of what a pointer leads to, elements of an array. */
static void add_parts(struct reader *r, struct place *p, const char *name,
		      const struct dwarf_type *type)
{
	struct dwarf_type target;
	struct dwarf_member m;
	struct dwarf_member_cursor cursor = {.has_begun = false};
	const char *member, *sign = ".";
	char text[512];
	if (type->kind == DWARF_POINTER) {
		sign = "->";
		if (!dwarf_type_target(r->file->dwarf, type, &target))
			return;
		type = &target;
	}
	for (unsigned i = 0;
	     i < MEMBERS_MAX && dwarf_type_member_next(r->file->dwarf, type, &cursor, &member, &m);
	     i++) {
		snprintf(text, sizeof(text), "%s%s%s%s", name, sign, member,
			 m.type.kind == DWARF_ARRAY ? "[0]" : "");
		struct dwarf_type shown = m.type;
		if (m.type.kind == DWARF_ARRAY &&
		    !dwarf_type_target(r->file->dwarf, &m.type, &shown))
			continue;
		if (*member && is_shown(&shown) && shown.kind != DWARF_ARRAY)
			add_reading(r, p, text);
	}
}

static void prepare(struct reader *r, struct place *p)
{
	struct probe_readables names;
	struct err e;
	p->is_prepared = true;
	if (probe_scan(r->file, &p->place, &names, &e)) {
		printf("error %s\n", e.text);
		return;
	}
	array_each(v, &names.items) {
		char element[256];
		struct dwarf_type target;
		if (v->described.kind == DWARF_ARRAY) {
			snprintf(element, sizeof(element), "%s[1]", v->name);
			if (dwarf_type_target(r->file->dwarf, &v->described, &target) &&
			    is_shown(&target) && target.kind != DWARF_ARRAY)
				add_reading(r, p, element);
		} else if (is_shown(&v->described)) {
			add_reading(r, p, v->name);
		}
		if (!v->problem)
			add_parts(r, p, v->name, &v->described);
	}
	probe_readables_deinit(&names);
}

static const char *kind_name(enum probe_kind kind)
{
	static const char *const names[] = {"entry", "offset", "return", "epilogue", "line"};
	return names[kind];
}

static void list_places(struct reader *r, const char *text)
{
	struct probe_spec *spec;
	struct probe_places found;
	struct err e;
	if (probe_spec_parse_place(text, &spec, &e) ||
	    probe_places_find(r->file, spec, &found, &e)) {
		printf("error %s\n", e.text);
		return;
	}
	array_each(place, &found.items) {
		struct place p = {.place = *place};
		printf("%zu %#" PRIx64 " %s %s%s\n", r->places.count, place->address,
		       place->function ? place->function : "?", kind_name(place->kind),
		       place->is_start ? " start" : "");
		(void)array_push(&r->places, p);
	}
	probe_places_deinit(&found);
	probe_spec_destroy(spec);
}

static void list_values(struct reader *r, struct place *p)
{
	if (!p->is_prepared)
		prepare(r, p);
	array_each(reading, &p->readings) {
		const char *problem = reading->program->fields[0].problem;
		printf("%s\t%s\n", reading->text, problem ? problem : "ok");
	}
}

static void read_regions(struct reader *r)
{
	char path[64], line[4200];
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)r->pid);
	FILE *maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		struct region region = {.data = NULL};
		char rights[8];
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &region.start, &region.end,
			   rights) != 3 ||
		    rights[0] != 'r' || strstr(line, "[vvar"))
			continue;
		region.is_constant = rights[1] != 'w';
		(void)array_push(&r->regions, region);
	}
	if (maps)
		fclose(maps);
}

static void read_memory(struct reader *r, uint64_t stack)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)r->pid);
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	r->windows.count = 0;
	r->regions.count = 0;
	read_regions(r);
	array_each(region, &r->regions) {
		bool is_stack = stack >= region->start && stack < region->end;
		uint64_t start = region->start;
		if (is_stack && stack - start > BELOW_STACK)
			start = stack - BELOW_STACK;
		size_t bytes = region->end - start;
		uint8_t *data = bytes <= REGION_BYTES_MAX ? malloc(bytes) : NULL;
		if (data && pread(fd, data, bytes, (off_t)start) == (ssize_t)bytes)
			(void)array_push(&r->windows, (struct prog_window){start, bytes, data});
		else
			free(data);
	}
}

static void read_values(struct reader *r, struct place *p, char *rest)
{
	uint64_t regs[PROG_REGS] = {0};
	r->pid = (pid_t)strtol(rest, &rest, 10);
	for (unsigned i = 0; i < PROG_REGS; i++)
		regs[i] = strtoull(rest, &rest, 16);
	read_memory(r, regs[7]);
	array_each(reading, &p->readings) {
		const struct probe_field *field = &reading->program->fields[0];
		uint8_t output[PROG_OUTPUT_BYTES_MAX];
		uint64_t values[PROG_INSNS_MAX];
		uint32_t unread;
		struct prog_input input = {.regs = regs,
					   .windows = r->windows.items,
					   .window_count = r->windows.count,
					   .output = output,
					   .output_bytes = sizeof(output)};
		if (field->problem)
			continue;
		prog_run(&reading->program->prog, &input, values);
		memcpy(&unread, output, sizeof(unread));
		printf("%d %u %d %u ", field->shape, field->bytes, field->is_signed, unread);
		for (uint32_t i = 0; i < field->bytes; i++)
			printf("%02x", output[field->at + i]);
		printf("\n");
	}
	array_each(window, &r->windows)
		free((void *)window->data);
}

static void count_readable(struct reader *r, const char *text)
{
	struct probe_spec *spec;
	struct probe_places found;
	struct err e;
	unsigned readable[2] = {0}, all[2] = {0};
	if (probe_spec_parse_place(text, &spec, &e) ||
	    probe_places_find(r->file, spec, &found, &e)) {
		printf("error %s\n", e.text);
		return;
	}
	array_each(place, &found.items) {
		struct probe_readables names;
		if (place->around || probe_scan(r->file, place, &names, &e))
			continue;
		array_each(v, &names.items) {
			all[!v->is_parameter]++;
			readable[!v->is_parameter] += !v->problem;
		}
		probe_readables_deinit(&names);
	}
	printf("%u %u %u %u\n", readable[0], all[0], readable[1], all[1]);
	probe_places_deinit(&found);
	probe_spec_destroy(spec);
}

static void obey(struct reader *r, char *line)
{
	size_t number = 0;
	char *rest = strchr(line, ' ');
	line[strcspn(line, "\n")] = 0;
	if (!rest)
		return;
	*rest++ = 0;
	if (!strcmp(line, "places")) {
		list_places(r, rest);
	} else if (!strcmp(line, "count")) {
		count_readable(r, rest);
	} else {
		number = strtoul(rest, &rest, 10);
		if (number < r->places.count && !strcmp(line, "values"))
			list_values(r, &r->places.items[number]);
		else if (number < r->places.count)
			read_values(r, &r->places.items[number], rest);
	}
	printf("end\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct reader r = {.file = NULL};
	struct err e;
	char line[4096];
	if (argc != 2 || probe_file_open(argv[1], &r.file, &e)) {
		fprintf(stderr, "%s\n", argc != 2 ? "usage: probe_reader FILE" : e.text);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin))
		obey(&r, line);
	array_each(place, &r.places) {
		array_each(reading, &place->readings) {
			probe_program_destroy(reading->program);
			probe_spec_destroy(reading->spec);
			free(reading->text);
		}
		array_free(&place->readings);
	}
	array_free(&r.places);
	array_free(&r.regions);
	array_free(&r.windows);
	probe_file_close(r.file);
	return 0;
}
