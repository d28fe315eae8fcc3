/* SPDX-License-Identifier: MIT */
#include "elf/elf_file.h"
#include "elf/elf_symbols.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct elf_file {
	Elf *elf;
	int fd;
	char *path;
	char build_id[ELF_BUILD_ID_TEXT_BYTES];
	bool symbols_read;
	bool from_symtab;
	struct elf_symbols symbols;
};

static void build_id_text(const uint8_t *id, size_t bytes, char *text)
{
	static const char digit[] = "0123456789abcdef";
	for (size_t i = 0; i < bytes; i++) {
		*text++ = digit[id[i] >> 4];
		*text++ = digit[id[i] & 15];
	}
	*text = 0;
}

static bool build_id_in_notes(Elf_Data *notes, char *text)
{
	GElf_Nhdr note;
	size_t name, data, next;
	for (size_t at = 0; notes && (next = gelf_getnote(notes, at, &note, &name, &data)) > 0;
	     at = next) {
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp((char *)notes->d_buf + name, "GNU", 4) && note.n_descsz > 0 &&
		    note.n_descsz <= ELF_BUILD_ID_BYTES_MAX) {
			build_id_text((uint8_t *)notes->d_buf + data, note.n_descsz, text);
			return true;
		}
	}
	return false;
}

static void build_id_of(Elf *elf, char *text)
{
	size_t count;
	text[0] = 0;
	for (size_t i = 0; elf_getphdrnum(elf, &count) == 0 && i < count; i++) {
		GElf_Phdr segment;
		if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_NOTE)
			continue;
		Elf_Data *notes =
			elf_getdata_rawchunk(elf, (int64_t)segment.p_offset, segment.p_filesz,
					     segment.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		if (build_id_in_notes(notes, text))
			return;
	}
	/* A debug file keeps its notes in sections only; so does a kernel module. */
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_NOTE &&
		    build_id_in_notes(elf_getdata(section, NULL), text))
			return;
	}
}

int elf_build_id_read(int fd, char text[static ELF_BUILD_ID_TEXT_BYTES])
{
	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	bool is_elf = elf && elf_kind(elf) == ELF_K_ELF;
	if (is_elf)
		build_id_of(elf, text);
	elf_end(elf);
	return is_elf ? 0 : -ENOEXEC;
}

/* Takes `elf` over, and `fd`. */
static int file_create(Elf *elf, int fd, const char *path, struct elf_file **ret, struct err *e)
{
	struct elf_file *f = calloc(1, sizeof(*f));
	char *copy = strdup(path);
	GElf_Ehdr header;
	int code = 0;
	if (!f || !copy)
		code = err_set(e, ENOMEM, "%s: no memory", path);
	else if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		code = err_set(e, ENOEXEC, "%s is not an ELF file, or a damaged one", path);
	if (code) {
		free(f);
		free(copy);
		elf_end(elf);
		if (fd >= 0)
			close(fd);
		return code;
	}
	*f = (struct elf_file){.elf = elf, .fd = fd, .path = copy};
	build_id_of(elf, f->build_id);
	*ret = f;
	return 0;
}

int elf_file_open(const char *path, struct elf_file **ret, struct err *e)
{
	elf_version(EV_CURRENT);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(e, "%s", path);
	return file_create(elf_begin(fd, ELF_C_READ_MMAP, NULL), fd, path, ret, e);
}

int elf_file_open_memory(const void *image, size_t bytes, const char *name, struct elf_file **ret,
			 struct err *e)
{
	elf_version(EV_CURRENT);
	return file_create(elf_memory((char *)image, bytes), -1, name, ret, e);
}

void elf_file_close(struct elf_file *f)
{
	if (!f)
		return;
	elf_symbols_deinit(&f->symbols);
	elf_end(f->elf);
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f);
}

struct Elf *elf_file_handle(struct elf_file *f)
{
	return f->elf;
}

const char *elf_file_path(const struct elf_file *f)
{
	return f->path;
}

const char *elf_file_build_id(const struct elf_file *f)
{
	return f->build_id;
}

bool elf_file_address(const struct elf_file *f, uint64_t offset, uint64_t *ret)
{
	size_t count;
	for (size_t i = 0; elf_getphdrnum(f->elf, &count) == 0 && i < count; i++) {
		GElf_Phdr segment;
		if (gelf_getphdr(f->elf, (int)i, &segment) && segment.p_type == PT_LOAD &&
		    (segment.p_flags & PF_X) && offset >= segment.p_offset &&
		    offset - segment.p_offset < segment.p_filesz) {
			*ret = offset - segment.p_offset + segment.p_vaddr;
			return true;
		}
	}
	return false;
}

static Elf_Scn *section_named(struct elf_file *f, const char *name, GElf_Shdr *header)
{
	size_t names;
	if (elf_getshdrstrndx(f->elf, &names))
		return NULL;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(f->elf, section));) {
		if (!gelf_getshdr(section, header))
			continue;
		const char *found = elf_strptr(f->elf, names, header->sh_name);
		if (found && !strcmp(found, name))
			return section;
	}
	return NULL;
}

bool elf_file_has_lines(struct elf_file *f)
{
	GElf_Shdr header;
	return (section_named(f, ".debug_info", &header) ||
		section_named(f, ".zdebug_info", &header)) &&
	       header.sh_type != SHT_NOBITS;
}

bool elf_file_debuglink(struct elf_file *f, const char **name_ret, uint32_t *crc_ret)
{
	GElf_Shdr header;
	Elf_Scn *section = section_named(f, ".gnu_debuglink", &header);
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	if (!data || !data->d_buf)
		return false;
	/* A name with its NUL, padding to four bytes, four bytes of CRC-32. */
	size_t name_bytes = strnlen(data->d_buf, data->d_size) + 1;
	size_t crc_at = (name_bytes + 3) & ~(size_t)3;
	if (name_bytes < 2 || crc_at + 4 > data->d_size)
		return false;
	memcpy(crc_ret, (char *)data->d_buf + crc_at, 4);
	*name_ret = data->d_buf;
	return true;
}

static void symbols_read(struct elf_file *f)
{
	if (f->symbols_read)
		return;
	f->symbols_read = true;
	f->from_symtab = elf_symbols_read(f->elf, SHT_SYMTAB, &f->symbols);
	if (!f->from_symtab)
		elf_symbols_read(f->elf, SHT_DYNSYM, &f->symbols);
}

bool elf_file_has_symbols(struct elf_file *f)
{
	symbols_read(f);
	return f->from_symtab;
}

bool elf_file_symbol(struct elf_file *f, uint64_t address, struct elf_symbol *ret)
{
	symbols_read(f);
	return elf_symbols_find(&f->symbols, address, ret);
}
