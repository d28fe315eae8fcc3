/* SPDX-License-Identifier: MIT */
/*
 * Where a probe can be put by a 5-byte jump, by a punned one, or by the kernel alone: over entries
 * of functions, all instructions, and statement lines where a file has debug information. Counts
 * sites, each by itself, as linked; nothing runs. Functions are those of .eh_frame.
 */
#include "inject/inject_code.h"

#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tally {
	size_t sites, ways[PATCH_NOWHERE + 1], reasons[PATCH_REASONS];
};

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

/* The parts of functions that are only jumped into are no entries. */
static void count_entries(struct inject_code *c, const char *name)
{
	struct tally entries = {0};
	struct cfi_entry f;
	for (size_t at = 0; cfi_next(&c->cfi, &at, &f);) {
		if (inject_code_is_called(c, &f))
			count_site(c->code, patch_code_entry(c->code, f.start), &entries);
	}
	say(name, "entry", &entries, c->image.is_fixed ? "jump >= 98" : "jump >= 99");
}

static void count_instructions(const struct inject_code *c, const char *name)
{
	struct tally all = {0};
	for (size_t i = 0; i < c->image.function_count; i++) {
		const struct patch_range *f = &c->image.functions[i];
		for (uint64_t at = f->start; at < f->end && patch_code_next(c->code, &at); at++)
			count_site(c->code, at, &all);
	}
	say(name, "instruction", &all, "-");
}

static void count_lines(Elf *elf, const struct patch_code *c, const char *name)
{
	struct tally lines = {0};
	Dwarf *dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
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
	struct inject_code *c;
	struct err e;
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		printf("%-16s is not installed\n", name);
		return;
	}
	if (inject_code_open(fd, name, &c, &e)) {
		printf("%s\n", e.text);
	} else {
		Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
		count_entries(c, name);
		count_instructions(c, name);
		count_lines(elf, c->code, name);
		elf_end(elf);
		inject_code_close(c);
	}
	fflush(stdout);
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
