/* SPDX-License-Identifier: MIT */
/*
 * Where a probe can be put by a 5-byte jump, by a punned one, or by the kernel alone: over entries
 * of functions, all instructions, and statement lines where a file has debug information. Counts
 * sites, each by itself, as linked; nothing runs. Functions are those of .eh_frame.
 */
#include "lineinfo/unwind_cfi.h"
#include "patch/patch_plan.h"
#include "util/array.h"

#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct program {
	Elf *elf;
	struct patch_image image;
	ARRAY(struct patch_range) functions;
	ARRAY(struct patch_bytes) data;
};

struct tally {
	size_t sites, ways[PATCH_UPROBE + 1], reasons[PATCH_NOT_MOVABLE + 1];
};

static void add_function(struct program *p, const struct cfi_entry *entry)
{
	const struct patch_bytes *text = &p->image.text;
	if (entry->start >= text->address && entry->end <= text->address + text->bytes &&
	    entry->start < entry->end)
		(void)array_push(&p->functions, (struct patch_range){entry->start, entry->end});
}

static int by_start(const void *a, const void *b)
{
	uint64_t x = ((const struct patch_range *)a)->start;
	uint64_t y = ((const struct patch_range *)b)->start;
	return (x > y) - (x < y);
}

static void read_sections(struct program *p, struct cfi *cfi)
{
	size_t names;
	GElf_Shdr header;
	for (Elf_Scn *s = NULL;
	     !elf_getshdrstrndx(p->elf, &names) && (s = elf_nextscn(p->elf, s));) {
		if (!gelf_getshdr(s, &header) || !(header.sh_flags & SHF_ALLOC) ||
		    header.sh_type == SHT_NOBITS)
			continue;
		Elf_Data *data = elf_rawdata(s, NULL);
		const char *name = elf_strptr(p->elf, names, header.sh_name);
		if (!data || !data->d_buf || !name)
			continue;
		struct patch_bytes bytes = {data->d_buf, header.sh_addr, data->d_size};
		if (!strcmp(name, ".eh_frame"))
			*cfi = (struct cfi){bytes.data, bytes.bytes, bytes.address, {0}};
		if (!strcmp(name, ".text"))
			p->image.text = bytes;
		else if (!(header.sh_flags & SHF_EXECINSTR))
			(void)array_push(&p->data, bytes);
	}
}

/* Two entries for the same code would be two functions: the first one counts. */
static void sort_functions(struct program *p)
{
	size_t kept = 0;
	if (p->functions.count)
		qsort(p->functions.items, p->functions.count, sizeof(*p->functions.items),
		      by_start);
	array_each(f, &p->functions) {
		if (!kept || f->start >= p->functions.items[kept - 1].end)
			p->functions.items[kept++] = *f;
	}
	p->functions.count = kept;
}

static bool program_read(struct program *p, int fd)
{
	GElf_Ehdr header;
	struct cfi cfi = {0};
	struct cfi_entry entry;
	p->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!p->elf || !gelf_getehdr(p->elf, &header) || header.e_machine != EM_X86_64)
		return false;
	read_sections(p, &cfi);
	for (size_t at = 0; cfi_next(&cfi, &at, &entry);)
		add_function(p, &entry);
	sort_functions(p);
	p->image.functions = p->functions.items;
	p->image.function_count = p->functions.count;
	p->image.data = p->data.items;
	p->image.data_count = p->data.count;
	p->image.is_fixed = header.e_type == ET_EXEC;
	return p->functions.count > 0;
}

static void count_site(const struct patch_code *c, uint64_t address, struct tally *t)
{
	struct patch_plan plan;
	patch_plan_site(c, address, &plan);
	t->sites++;
	t->ways[plan.way]++;
	t->reasons[plan.reason]++;
}

static void say(const char *file, const char *what, const struct tally *t, const char *goal)
{
	double all = (double)t->sites / 100;
	if (!t->sites)
		return;
	printf("%-16s %-12s %8zu sites  jump %7.3f %%  with punning %7.3f %%  uprobe %6zu  "
	       "(branch %zu, unmovable %zu, unknown %zu)  %s\n",
	       file, what, t->sites, (double)t->ways[PATCH_JUMP] / all,
	       (double)(t->ways[PATCH_JUMP] + t->ways[PATCH_PUNNED]) / all, t->ways[PATCH_UPROBE],
	       t->reasons[PATCH_BRANCH_INSIDE], t->reasons[PATCH_NOT_MOVABLE],
	       t->reasons[PATCH_NO_FUNCTION] + t->reasons[PATCH_NO_BOUNDARY], goal);
}

static void count_code(const struct program *p, const struct patch_code *c, const char *name)
{
	struct tally entries = {0}, all = {0};
	for (size_t i = 0; i < p->functions.count; i++) {
		const struct patch_range *f = &p->functions.items[i];
		count_site(c, patch_code_entry(c, f->start), &entries);
		for (uint64_t at = f->start; at < f->end && patch_code_next(c, &at); at++)
			count_site(c, at, &all);
	}
	say(name, "entry", &entries, p->image.is_fixed ? "jump >= 98" : "jump >= 99");
	say(name, "instruction", &all, "-");
}

static void count_lines(const struct program *p, const struct patch_code *c, const char *name)
{
	struct tally lines = {0};
	Dwarf *dwarf = dwarf_begin_elf(p->elf, DWARF_C_READ, NULL);
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	while (dwarf && !dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &die, NULL)) {
		Dwarf_Lines *rows;
		size_t count;
		Dwarf_Addr last = 0;
		if (dwarf_getsrclines(&die, &rows, &count))
			continue;
		for (size_t i = 0; i < count; i++) {
			Dwarf_Line *row = dwarf_onesrcline(rows, i);
			Dwarf_Addr address;
			bool begins, ends;
			if (dwarf_linebeginstatement(row, &begins) || !begins ||
			    dwarf_lineendsequence(row, &ends) || ends ||
			    dwarf_lineaddr(row, &address) || address == last)
				continue;
			last = address;
			count_site(c, address, &lines);
		}
	}
	dwarf_end(dwarf);
	say(name, "line", &lines, "jump >= 95, punned >= 99.9");
}

static void measure(const char *path)
{
	struct program p = {0};
	struct patch_code *c;
	struct err e;
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !program_read(&p, fd)) {
		printf("%-16s is not installed, or has no functions in .eh_frame\n", name);
	} else if (patch_code_create(&p.image, &c, &e)) {
		printf("%-16s %s\n", name, e.text);
	} else {
		count_code(&p, c, name);
		count_lines(&p, c, name);
		patch_code_destroy(c);
	}
	fflush(stdout);
	array_free(&p.functions);
	array_free(&p.data);
	elf_end(p.elf);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	static const char *const usual[] = {
		"/lib/x86_64-linux-gnu/libc.so.6",
		"/usr/bin/git",
		"/usr/lib/x86_64-linux-gnu/libsqlite3.so.0",
		"/usr/sbin/nginx",
		"/usr/lib/postgresql/15/bin/postgres",
		"/usr/bin/python3.11",
		"build/cairn",
	};
	elf_version(EV_CURRENT);
	for (int i = 1; i < argc; i++)
		measure(argv[i]);
	for (size_t i = 0; argc < 2 && i < sizeof(usual) / sizeof(*usual); i++)
		measure(usual[i]);
	return 0;
}
