/* SPDX-License-Identifier: MIT */
#include "lineinfo/unwind_rows.h"

#include "lineinfo/unwind_cfi.h"

#include <gelf.h>
#include <string.h>

enum { HOLE_BYTES = 64 }; /* more than alignment explains: code nobody describes */

struct reader {
	struct cfi cfi;
	ARRAY(struct cfi_entry) entries;
	struct unwind_rows *out;
};

/* A row that says the same as the one before it says nothing. */
static int push_row(struct unwind_rows *out, uint64_t address, struct unwind_rule rule)
{
	size_t count = out->rows.count;

	if (count && memcmp(&out->rows.items[count - 1].rule, &rule, sizeof(rule)) == 0)
		return 0;
	return array_push(&out->rows, (struct unwind_rule_row){address, rule});
}

static int add_row(void *context, uint64_t address, struct unwind_rule rule)
{
	return push_row(context, address, rule);
}

static int compare_entries(const void *a, const void *b)
{
	const struct cfi_entry *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* All rows in order; what is known twice counts once, what is not known is marked. */
static int read_rows(struct reader *r)
{
	const struct unwind_rule unknown = {.cfa = UNWIND_CFA_UNKNOWN};
	uint64_t known = r->entries.items[0].start & ~(UNWIND_PAGE_BYTES_MAX - 1);
	int failed = push_row(r->out, known, unknown);

	for (size_t i = 0; !failed && i < r->entries.count; i++) {
		const struct cfi_entry *entry = &r->entries.items[i];
		if (entry->end <= known)
			continue;
		if (entry->start > known + HOLE_BYTES)
			failed = push_row(r->out, known, unknown);
		if (!failed)
			failed = cfi_rows(&r->cfi, entry, known, add_row, r->out);
		known = entry->end;
	}
	return failed ? failed : push_row(r->out, known, unknown);
}

static int read_entries(struct reader *r)
{
	struct cfi_entry entry;

	for (size_t at = 0; cfi_next(&r->cfi, &at, &entry);)
		if (array_push(&r->entries, entry))
			return -ENOMEM;
	if (r->entries.count == 0)
		return -ENODATA;
	/* Sections of cold and hot code lie apart, their entries beside one another. */
	qsort(r->entries.items, r->entries.count, sizeof(*r->entries.items), compare_entries);
	return read_rows(r);
}

static bool find_section(struct cfi *ret, Elf *elf)
{
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Shdr header;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &header) || header.sh_type == SHT_NOBITS)
			continue;
		const char *name = elf_strptr(elf, names, header.sh_name);
		if (name && strcmp(name, ".eh_frame") == 0) {
			Elf_Data *data = elf_getdata(scn, NULL);
			if (!data || !data->d_buf)
				return false;
			*ret = (struct cfi){data->d_buf, data->d_size, header.sh_addr, {0}};
			return true;
		}
	}
	return false;
}

int unwind_rows_read(struct unwind_rows *rows, Elf *elf, const char *name, struct err *e)
{
	struct reader r = {.out = rows};
	GElf_Ehdr header;

	if (!gelf_getehdr(elf, &header) || header.e_machine != EM_X86_64)
		return err_set(e, ENODATA, "%s: not an ELF file of x86-64", name);
	if (!find_section(&r.cfi, elf))
		return err_set(e, ENODATA, "%s: has no .eh_frame", name);
	int failed = read_entries(&r);
	array_free(&r.entries);
	if (failed == -ENODATA)
		return err_set(e, ENODATA, "%s: its .eh_frame describes no code", name);
	return failed ? err_set(e, ENOMEM, "%s: no memory for its unwind rows", name) : 0;
}

void unwind_rows_deinit(struct unwind_rows *rows)
{
	array_free(&rows->rows);
}
