/* SPDX-License-Identifier: MIT */
#include "switchboard/board.h"

#include "util/cleanup.h"
#include "util/proc.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEGMENTS_MAX = 64, NOTES_BYTES_MAX = 64 << 20, MODULES_MAX = 4096 };

/* All of it or nothing. */
static bool read_at(const struct board *b, uint64_t at, void *to, size_t bytes)
{
	return pread(b->fd, to, bytes, (off_t)at) == (ssize_t)bytes;
}

static int add_marker(const struct board *b, struct board_module *m,
		      const struct marker_elf_note *note, uint64_t address)
{
	struct board_marker marker = {.description = note->description, .bytes = note->bytes};
	uint16_t halves[2] = {0};
	if (!marker_note_parse(&marker.note, note->description, note->bytes))
		return 0;
	if (b->pid) {
		marker.word = address + (uint64_t)(int64_t)marker.note.word;
		if (!read_at(b, marker.word, halves, sizeof(halves)))
			return 0;
	}
	marker.tracers = halves[0];
	marker.id = halves[1];
	return array_push(&m->markers, marker);
}

static void note_runtime(struct board_module *m, const struct marker_elf_note *note,
			 uint64_t address)
{
	int32_t places[2];
	if (note->bytes < sizeof(places))
		return;
	memcpy(places, note->description, sizeof(places));
	m->control = address + (uint64_t)(int64_t)places[0];
	m->page = address + (uint64_t)(int64_t)places[1];
}

/* The notes in one segment; they stay in memory behind those read before. */
static int read_segment(const struct board *b, struct board_module *m, const Elf64_Phdr *segment,
			uint64_t at)
{
	size_t bytes = b->pid ? segment->p_memsz : segment->p_filesz;
	if (!bytes || bytes > NOTES_BYTES_MAX || segment->p_align > 4 || m->notes)
		return 0;
	CLEANUP(free) uint8_t *notes = malloc(bytes);
	if (!notes)
		return -ENOMEM;
	if (!read_at(b, at, notes, bytes))
		return 0;
	struct cursor c = cursor_over(notes, bytes);
	struct marker_elf_note note;
	bool is_ours = false;
	int status = 0;
	while (status == 0 && cursor_left(&c) && marker_elf_note_next(&c, &note)) {
		uint64_t address = at + (uint64_t)(note.description - notes);
		is_ours |= note.is_ours;
		if (note.is_ours && note.type == MARKER_NOTE_SITE)
			status = add_marker(b, m, &note, address);
		else if (note.is_ours && note.type == MARKER_NOTE_RUNTIME)
			note_runtime(m, &note, address);
	}
	if (is_ours)
		m->notes = TAKE(notes, NULL);
	return status;
}

/* 1 when the bytes at `base` are a program or library with markers, which then is a module. */
static int read_module(struct board *b, const char *path, uint64_t base)
{
	Elf64_Ehdr elf;
	Elf64_Phdr segments[SEGMENTS_MAX];
	if (!read_at(b, base, &elf, sizeof(elf)) || memcmp(elf.e_ident, ELFMAG, SELFMAG) ||
	    elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_phentsize != sizeof(segments[0]))
		return 0;
	size_t count = elf.e_phnum < SEGMENTS_MAX ? elf.e_phnum : SEGMENTS_MAX;
	if (!read_at(b, base + elf.e_phoff, segments, count * sizeof(segments[0])))
		return 0;
	struct board_module m = {.base = b->pid ? base : 0};
	uint64_t first = 0;
	int status = 0;
	for (size_t i = count; i-- > 0;) {
		if (segments[i].p_type == PT_LOAD)
			first = segments[i].p_vaddr - segments[i].p_offset;
	}
	for (size_t i = 0; i < count && status == 0; i++) {
		uint64_t at = b->pid ? base + segments[i].p_vaddr - first : segments[i].p_offset;
		if (segments[i].p_type == PT_NOTE)
			status = read_segment(b, &m, &segments[i], at);
	}
	if (status == 0 && m.notes) {
		m.path = strdup(path);
		status = m.path && array_push(&b->modules, m) == 0 ? 1 : -ENOMEM;
	}
	if (status != 1) {
		free(m.notes);
		free(m.path);
		array_free(&m.markers);
	}
	return status;
}

void board_close(struct board *b)
{
	array_each(module, &b->modules) {
		free(module->path);
		free(module->notes);
		array_free(&module->markers);
	}
	array_free(&b->modules);
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

int board_open_file(struct board *ret, const char *path, struct err *e)
{
	struct board b = {.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
	char magic[SELFMAG];
	if (b.fd < 0)
		return err_errno(e, "%s", path);
	int status = 0;
	if (!read_at(&b, 0, magic, sizeof(magic)) || memcmp(magic, ELFMAG, SELFMAG))
		status = err_set(e, ENOEXEC, "%s is no program or library", path);
	else if (read_module(&b, path, 0) < 0)
		status = err_set(e, ENOMEM, "no memory for the markers of %s", path);
	if (status < 0)
		board_close(&b);
	else
		*ret = b;
	return status;
}

int board_open_process(struct board *ret, pid_t pid, struct err *e)
{
	char name[64];
	struct board b = {.pid = pid};
	snprintf(name, sizeof(name), "/proc/%d/mem", (int)pid);
	b.fd = open(name, O_RDWR | O_CLOEXEC);
	snprintf(name, sizeof(name), "/proc/%d/maps", (int)pid);
	CLEANUP(stream) FILE *maps = fopen(name, "re");
	int status = b.fd < 0 || !maps ? err_errno(e, "cannot look into process %d", (int)pid) : 0;
	CLEANUP(free) char *line = NULL;
	size_t room = 0;
	struct proc_map map;
	while (status >= 0 && getline(&line, &room, maps) > 0) {
		/* Where a file's first byte is mapped, there is its header. */
		if (!proc_map_parse(line, &map) || map.offset || *map.path != '/' ||
		    b.modules.count == MODULES_MAX)
			continue;
		if (read_module(&b, map.path, map.start) < 0)
			status = err_set(e, ENOMEM, "no memory for the markers of process %d",
					 (int)pid);
	}
	if (status < 0)
		board_close(&b);
	else
		*ret = b;
	return status;
}
