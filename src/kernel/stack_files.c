/* SPDX-License-Identifier: MIT */
#include "kernel/stack_files.h"

#include "util/cleanup.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { VDSO_BYTES_MAX = 1 << 16, VDSO_KEY = 1, BLOCK_BYTES = UNWIND_BLOCK_WORDS * 4 };

int stack_files_open(struct stack_files *f, int map_fd, uint32_t blocks,
		     const struct stack_source *source, struct err *e)
{
	size_t bytes = (size_t)blocks * BLOCK_BYTES;
	void *space = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);

	if (space == MAP_FAILED)
		return err_errno(e, "cannot map the space for unwind tables");
	/* Block 0 stays empty: a mapping with table 0 has none. */
	*f = (struct stack_files){.space = space, .blocks = blocks, .used = 1, .source = *source};
	return stack_builder_open(&f->builder, source, e);
}

void stack_files_close(struct stack_files *f)
{
	stack_builder_close(f->builder);
	if (f->space)
		munmap(f->space, (size_t)f->blocks * BLOCK_BYTES);
	map_deinit(&f->index);
	array_free(&f->files);
}

/* By address range first: that is the very file, whatever lies at its path now. */
static int open_mapped(pid_t pid, const struct stack_map *map)
{
	char path[64 + 4096];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", (int)pid,
		 (unsigned long long)map->start, (unsigned long long)map->end);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)pid, map->path);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The vDSO is in no file; a copy of it is one. */
static int open_vdso(pid_t pid, const struct stack_map *map)
{
	char path[64];
	static uint8_t image[VDSO_BYTES_MAX];
	size_t bytes = map->end - map->start;

	if (bytes > sizeof(image))
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	CLEANUP(fd) int memory = open(path, O_RDONLY | O_CLOEXEC);
	if (memory < 0 || pread(memory, image, bytes, (off_t)map->start) != (ssize_t)bytes)
		return -1;
	int copy = memfd_create("vdso", MFD_CLOEXEC);
	if (copy >= 0 && write(copy, image, bytes) == (ssize_t)bytes)
		return copy;
	if (copy >= 0)
		close(copy);
	return -1;
}

static uint64_t identity(const struct stat *s)
{
	const uint64_t parts[] = {s->st_dev, s->st_ino, (uint64_t)s->st_size,
				  (uint64_t)s->st_mtim.tv_sec, (uint64_t)s->st_mtim.tv_nsec};
	uint64_t hash = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		hash = (hash ^ parts[i]) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	return hash;
}

/*
 * Where in the file's own addresses its executable bytes are, and how many entries its .eh_frame
 * has: their index has 8 bytes for each.
 */
static void read_segments(struct stack_file *file, int fd)
{
	Elf64_Ehdr header;
	Elf64_Phdr p;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(p))
		return;
	for (unsigned i = 0; i < header.e_phnum && file->segments < STACK_SEGMENTS_MAX; i++) {
		off_t at = (off_t)(header.e_phoff + i * sizeof(p));
		if (pread(fd, &p, sizeof(p), at) != sizeof(p))
			return;
		if (p.p_type == PT_GNU_EH_FRAME)
			file->entries = p.p_filesz / 8;
		if (p.p_type != PT_LOAD || !(p.p_flags & PF_X))
			continue;
		file->segment[file->segments].offset = p.p_offset;
		file->segment[file->segments].bytes = p.p_filesz;
		file->segment[file->segments++].address = p.p_vaddr;
	}
}

/*
 * Copies a table to the end of what is used, and checks the copy: nobody is told of the place
 * before.
 */
static int load(struct stack_files *f, const struct unwind_image *image, const char *name,
		struct err *e)
{
	size_t blocks = (image->count + UNWIND_BLOCK_WORDS - 1) / UNWIND_BLOCK_WORDS;
	uint32_t *place = f->space + (size_t)f->used * UNWIND_BLOCK_WORDS;

	if (blocks > f->blocks - f->used)
		return err_set(e, ENOSPC, "%s: no room for its unwind table of %zu kB", name,
			       image->count * 4 / 1024);
	memcpy(place, image->words, image->count * 4);
	if (unwind_table_check(place, image->count))
		return err_set(e, EINVAL, "%s: its unwind table is damaged", name);
	f->used += (uint32_t)blocks;
	return 0;
}

/* Frees what it was given. */
static void place_table(struct stack_files *f, struct stack_file *file, struct stack_built *built)
{
	uint32_t first = f->used;
	int status = built->status;

	if (status == 0)
		status = load(f, &built->image, built->name, &built->refusal);
	free(built->image.words);
	free(built->name);
	file->awaited = false;
	if (status == 0) {
		file->table = first;
		f->built++;
	} else if (status == -ENODATA) {
		f->without++;
	} else {
		f->refused++;
		f->refusal = built->refusal;
	}
}

unsigned stack_files_collect(struct stack_files *f)
{
	struct stack_built built;
	unsigned placed = 0;

	stack_builder_step(f->builder);
	for (; stack_builder_take(f->builder, &built); placed++)
		place_table(f, &f->files.items[built.file - 1], &built);
	return placed;
}

uint32_t stack_files_table(const struct stack_files *f, uint32_t number)
{
	return number && number <= f->files.count ? f->files.items[number - 1].table : 0;
}

static void get_table(struct stack_files *f, struct stack_file *file, uint32_t number, int fd,
		      const char *name, bool urgent)
{
	struct stack_built kept = {.file = number};

	if (f->source.find && f->source.find(f->source.context, &kept.image, fd)) {
		kept.name = strdup(name);
		place_table(f, file, &kept);
		f->found += file->table != 0;
		return;
	}
	file->awaited = stack_builder_add(f->builder, number, fd, name, file->entries, urgent) == 0;
}

/* The file's number, 0 without memory. */
static uint32_t find_file(struct stack_files *f, int fd, uint64_t key, const char *name,
			  bool urgent)
{
	uint64_t *number = map_put(&f->index, key);
	struct stack_file file = {0};

	if (!number)
		return 0;
	if (*number == 0) {
		if (array_push(&f->files, file)) {
			map_remove(&f->index, key);
			return 0;
		}
		*number = f->files.count;
		struct stack_file *place = &f->files.items[*number - 1];
		read_segments(place, fd);
		if (place->segments)
			get_table(f, place, (uint32_t)*number, fd, name, urgent);
	} else if (urgent && f->files.items[*number - 1].awaited) {
		stack_builder_urge(f->builder, (uint32_t)*number);
	}
	return (uint32_t)*number;
}

static uint32_t file_of(struct stack_files *f, pid_t pid, const struct stack_map *map, bool urgent)
{
	struct stat s;

	if (strcmp(map->path, "[vdso]") == 0) {
		uint64_t *number = map_find(&f->index, VDSO_KEY);
		if (number && *number)
			return (uint32_t)*number;
		CLEANUP(fd) int copy = open_vdso(pid, map);
		return copy < 0 ? 0 : find_file(f, copy, VDSO_KEY, map->path, urgent);
	}
	if (map->path[0] != '/')
		return 0;
	CLEANUP(fd) int fd = open_mapped(pid, map);
	if (fd < 0 || fstat(fd, &s) || !S_ISREG(s.st_mode))
		return 0;
	return find_file(f, fd, identity(&s), map->path, urgent);
}

struct unwind_mapping stack_files_mapping(struct stack_files *f, pid_t pid,
					  const struct stack_map *map, bool urgent)
{
	struct unwind_mapping m = {.start = map->start, .end = map->end};
	uint32_t number = file_of(f, pid, map, urgent);
	const struct stack_file *file = number ? &f->files.items[number - 1] : NULL;

	for (unsigned i = 0; file && i < file->segments; i++) {
		/* A mapping begins on a page, a segment need not. */
		uint64_t begin = file->segment[i].offset & ~0xfffull;
		if (map->offset < begin ||
		    map->offset >= file->segment[i].offset + file->segment[i].bytes)
			continue;
		uint64_t address = file->segment[i].address - file->segment[i].offset + map->offset;
		m.base = map->start - address;
		m.table = file->table;
		m.spare = number;
		break;
	}
	return m;
}
