/* SPDX-License-Identifier: MIT */
#include "inject/inject_code.h"
#include "lineinfo/unwind_pads.h"
#include "util/array.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	struct inject_code out;
	Elf *elf;
	const char *name;
	ARRAY(struct patch_range) functions;
	ARRAY(struct patch_bytes) data;
	ARRAY(uint64_t) targets;
	ARRAY(struct patch_range) sequences;
	bool failed; /* no memory */
};

static int read_segment(struct reading *r, const GElf_Phdr *segment, struct err *e)
{
	size_t file_bytes;
	const char *file = elf_rawfile(r->elf, &file_bytes);
	if (segment->p_type != PT_LOAD || segment->p_filesz == 0)
		return 0;
	if (!file || segment->p_offset > file_bytes ||
	    segment->p_filesz > file_bytes - segment->p_offset ||
	    segment->p_vaddr + segment->p_filesz < segment->p_vaddr)
		return err_set(e, EINVAL, "%s ends within a segment: it was cut off", r->name);
	struct patch_bytes bytes = {(const uint8_t *)file + segment->p_offset, segment->p_vaddr,
				    segment->p_filesz};
	if (!(segment->p_flags & PF_X)) {
		r->failed |= array_push(&r->data, bytes) != 0;
		return 0;
	}
	if (r->out.image.text.bytes)
		return err_set(e, ENOTSUP, "%s has code in several segments: it is left as it is",
			       r->name);
	r->out.image.text = bytes;
	r->out.text_offset = segment->p_offset;
	return 0;
}

static int read_segments(struct reading *r, struct err *e)
{
	size_t count = 0;
	GElf_Phdr segment;
	int status = 0;
	elf_getphdrnum(r->elf, &count);
	for (size_t i = 0; i < count && !status; i++) {
		if (gelf_getphdr(r->elf, (int)i, &segment))
			status = read_segment(r, &segment, e);
	}
	return status;
}

static bool find_section(const struct reading *r, const char *wanted, struct patch_bytes *ret)
{
	size_t names;
	GElf_Shdr header;
	Elf_Scn *section = NULL;
	if (elf_getshdrstrndx(r->elf, &names))
		return false;
	while ((section = elf_nextscn(r->elf, section))) {
		const char *name = gelf_getshdr(section, &header)
					   ? elf_strptr(r->elf, names, header.sh_name)
					   : NULL;
		Elf_Data *data = elf_rawdata(section, NULL);
		if (name && !strcmp(name, wanted) && data && data->d_buf) {
			*ret = (struct patch_bytes){data->d_buf, header.sh_addr, data->d_size};
			return true;
		}
	}
	return false;
}

static uint64_t word_at(const struct patch_bytes *bytes, uint64_t address)
{
	uint64_t word = 0;
	uint64_t at = address - bytes->address;
	if (at < bytes->bytes && bytes->bytes - at >= sizeof(word))
		memcpy(&word, bytes->data + at, sizeof(word));
	return word;
}

/* Of a file that runs anywhere, what the loader will put there. */
static uint64_t relocated_word_at(const struct patch_bytes *bytes, const struct patch_bytes *relas,
				  uint64_t address)
{
	uint64_t word = word_at(bytes, address);
	for (size_t at = 0; !word && at + sizeof(Elf64_Rela) <= relas->bytes;
	     at += sizeof(Elf64_Rela)) {
		Elf64_Rela rela;
		memcpy(&rela, relas->data + at, sizeof(rela));
		if (rela.r_offset == address)
			word = (uint64_t)rela.r_addend;
	}
	return word;
}

/* As `struct rseq_cs` of the kernel, where programs keep them by custom. */
static void read_sequences(struct reading *r)
{
	struct patch_bytes bytes, relas = {0};
	if (!find_section(r, "__rseq_cs", &bytes))
		return;
	find_section(r, ".rela.dyn", &relas);
	for (size_t at = 0; at + 32 <= bytes.bytes; at += 32) {
		uint64_t start = relocated_word_at(&bytes, &relas, bytes.address + at + 8);
		uint64_t length = word_at(&bytes, bytes.address + at + 16);
		r->failed |=
			array_push(&r->sequences, (struct patch_range){start, start + length}) != 0;
	}
}

/* P1; false when where exceptions land is not understood. */
static bool read_pads(struct reading *r, const struct cfi_entry *entry)
{
	struct cfi_pads pads;
	uint64_t pad;
	int next;
	if (!entry->pads)
		return true;
	array_each(data, &r->data) {
		uint64_t at = entry->pads - data->address;
		if (at >= data->bytes)
			continue;
		if (!cfi_pads_open(&pads, entry, data->data + at, data->bytes - at))
			return false;
		while ((next = cfi_pads_next(&pads, &pad)) > 0)
			r->failed |= array_push(&r->targets, pad) != 0;
		return next == 0;
	}
	return false;
}

static int by_start(const void *a, const void *b)
{
	uint64_t x = ((const struct patch_range *)a)->start;
	uint64_t y = ((const struct patch_range *)b)->start;
	return (x > y) - (x < y);
}

static void read_functions(struct reading *r)
{
	struct cfi_entry entry;
	const struct patch_bytes *text = &r->out.image.text;
	for (size_t at = 0; cfi_next(&r->out.cfi, &at, &entry);) {
		if (entry.start >= text->address && entry.end <= text->address + text->bytes &&
		    read_pads(r, &entry))
			r->failed |= array_push(&r->functions,
						(struct patch_range){entry.start, entry.end}) != 0;
	}
	if (r->functions.count)
		qsort(r->functions.items, r->functions.count, sizeof(*r->functions.items),
		      by_start);
	/* Two entries for the same code would be two functions: the first one counts. */
	size_t kept = 0;
	array_each(f, &r->functions) {
		if (!kept || f->start >= r->functions.items[kept - 1].end)
			r->functions.items[kept++] = *f;
	}
	r->functions.count = kept;
}

static int read_all(struct reading *r, struct err *e)
{
	GElf_Ehdr header;
	struct patch_image *image = &r->out.image;
	if (!r->elf || !gelf_getehdr(r->elf, &header) || header.e_machine != EM_X86_64 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64)
		return err_set(e, ENOEXEC, "%s is not a program or library of x86-64", r->name);
	int status = read_segments(r, e);
	if (status)
		return status;
	struct patch_bytes frames;
	if (find_section(r, ".eh_frame", &frames))
		r->out.cfi = (struct cfi){frames.data, frames.bytes, frames.address, {0}};
	read_functions(r);
	read_sequences(r);
	if (r->functions.count == 0)
		return err_set(e, ENODATA, "%s has no functions in .eh_frame", r->name);
	image->functions = r->functions.items;
	image->function_count = r->functions.count;
	image->data = r->data.items;
	image->data_count = r->data.count;
	image->targets = r->targets.items;
	image->target_count = r->targets.count;
	image->sequences = r->sequences.items;
	image->sequence_count = r->sequences.count;
	image->is_fixed = header.e_type == ET_EXEC;
	if (r->failed)
		return err_set(e, ENOMEM, "no memory to read the code of %s", r->name);
	status = patch_code_create(image, &r->out.code, e);
	return status ? err_add(e, "%s", r->name) : 0;
}

static void reading_free(struct reading *r)
{
	patch_code_destroy(r->out.code);
	array_free(&r->functions);
	array_free(&r->data);
	array_free(&r->targets);
	array_free(&r->sequences);
	elf_end(r->elf);
	free(r);
}

int inject_code_open(int fd, const char *name, struct inject_code **ret, struct err *e)
{
	struct reading *r = calloc(1, sizeof(*r));
	if (!r)
		return err_set(e, ENOMEM, "no memory to read the code of %s", name);
	elf_version(EV_CURRENT);
	r->name = name;
	r->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	int status = read_all(r, e);
	r->name = NULL;
	if (status) {
		reading_free(r);
		return status;
	}
	*ret = &r->out;
	return 0;
}

void inject_code_close(struct inject_code *c)
{
	if (c)
		reading_free((struct reading *)((char *)c - offsetof(struct reading, out)));
}

static int keep_first(void *context, uint64_t address, struct unwind_rule rule)
{
	(void)address;
	*(struct unwind_rule *)context = rule;
	return 1;
}

bool inject_code_is_called(struct inject_code *c, const struct cfi_entry *entry)
{
	struct unwind_rule rule = {0};
	cfi_rows(&c->cfi, entry, entry->start, keep_first, &rule);
	return rule.cfa == UNWIND_CFA_SP && rule.cfa_offset == 8;
}
