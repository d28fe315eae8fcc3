/* SPDX-License-Identifier: MIT */
#include "kprobe/uprobe_place.h"

#include "elf/elf_debug.h"
#include "elf/elf_file.h"
#include "insn/insn.h"
#include "kprobe/uprobe_risk.h"
#include "util/cleanup.h"

#include <gelf.h>
#include <stdio.h>
#include <string.h>

enum { HIDDEN_VERSION = 0x8000 };

/* Where the dynamic loader looks without being told. */
static const char *const library_folders[] = {
	"/lib/x86_64-linux-gnu",
	"/usr/lib/x86_64-linux-gnu",
	"/lib64",
	"/usr/lib64",
	"/lib",
	"/usr/lib",
	"/usr/local/lib",
};

static bool find_in(const char *folder, size_t folder_bytes, const char *file,
		    char path[static PATH_MAX])
{
	char candidate[PATH_MAX];
	int bytes =
		snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)folder_bytes, folder, file);
	return bytes > 0 && bytes < PATH_MAX && access(candidate, R_OK) == 0 &&
	       realpath(candidate, path);
}

static int find_file(const char *file, char path[static PATH_MAX], struct err *e)
{
	if (strchr(file, '/')) {
		if (!realpath(file, path))
			return err_errno(e, "there is no file %s", file);
	} else {
		bool found = false;
		for (size_t i = 0; !found && i < sizeof(library_folders) / sizeof(char *); i++)
			found = find_in(library_folders[i], strlen(library_folders[i]), file, path);
		const char *folder = getenv("PATH");
		while (!found && folder && *folder) {
			size_t bytes = strcspn(folder, ":");
			found = find_in(folder, bytes, file, path);
			folder += bytes + (folder[bytes] == ':');
		}
		if (!found)
			return err_set(e, ENOENT,
				       "'%s' is neither a program in PATH nor a library; name the "
				       "file with its path",
				       file);
	}
	if (strpbrk(path, " \t\n"))
		return err_set(e, EINVAL,
			       "the kernel takes no probes in %s: a blank is in its path", path);
	return 0;
}

struct function {
	GElf_Sym symbol;
	size_t count;    /* of different addresses of that name */
	char clone[128]; /* "name.constprop.0": what a compiler made instead */
};

/* "name", or "name@@VERSION", the one that is linked today; not "name@VERSION". */
static bool is_named(const char *symbol, const char *name)
{
	size_t bytes = strlen(name);
	return symbol && !strncmp(symbol, name, bytes) &&
	       (!symbol[bytes] || !strncmp(symbol + bytes, "@@", 2));
}

/* The versions of dynamic symbols; NULL without any. */
static Elf_Data *find_versions(Elf *elf)
{
	GElf_Shdr header;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_GNU_versym)
			return elf_getdata(section, NULL);
	}
	return NULL;
}

/* Kept for programs that were linked long ago. */
static bool is_old(Elf_Data *versions, int index)
{
	GElf_Versym version;
	return versions && gelf_getversym(versions, index, &version) && version & HIDDEN_VERSION;
}

static void note_clone(struct function *f, const char *symbol, const char *name)
{
	size_t bytes = strlen(name);
	if (symbol && !strncmp(symbol, name, bytes) && symbol[bytes] == '.' &&
	    strcmp(symbol + bytes, ".cold") != 0)
		snprintf(f->clone, sizeof(f->clone), "%s", symbol);
}

static void find_symbol(Elf *elf, const char *name, struct function *f)
{
	GElf_Shdr header;
	GElf_Sym symbol;
	Elf_Data *versions = find_versions(elf);
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		Elf_Data *data = elf_getdata(section, NULL);
		if (!gelf_getshdr(section, &header) || !data ||
		    (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM))
			continue;
		for (int i = 0; gelf_getsym(data, i, &symbol); i++) {
			const char *its = elf_strptr(elf, header.sh_link, symbol.st_name);
			unsigned type = GELF_ST_TYPE(symbol.st_info);
			note_clone(f, its, name);
			if (symbol.st_shndx == SHN_UNDEF ||
			    (header.sh_type == SHT_DYNSYM && is_old(versions, i)) ||
			    (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) ||
			    !is_named(its, name))
				continue;
			if (f->count && f->symbol.st_value == symbol.st_value)
				continue;
			f->symbol = symbol;
			f->count++;
		}
	}
}

static int find_function(struct elf_file *file, const char *name, struct function *ret,
			 struct err *e)
{
	struct elf_file *debug = NULL;
	*ret = (struct function){.count = 0};
	find_symbol(elf_file_handle(file), name, ret);
	if (!ret->count && elf_debug_open(file, ELF_DEBUG_ROOT, &debug, NULL) == 0)
		find_symbol(elf_file_handle(debug), name, ret);
	elf_file_close(debug);
	if (!ret->count && ret->clone[0])
		return err_set(e, ENOENT, "%s has no function '%s', but '%s', made of it",
			       elf_file_path(file), name, ret->clone);
	if (!ret->count)
		return err_set(e, ENOENT, "%s has no function '%s'", elf_file_path(file), name);
	if (ret->count > 1)
		return err_set(e, EINVAL, "%s has %zu functions '%s'", elf_file_path(file),
			       ret->count, name);
	if (GELF_ST_TYPE(ret->symbol.st_info) == STT_GNU_IFUNC)
		return err_set(e, EINVAL,
			       "'%s' of %s only chooses among several functions when a program "
			       "starts; name the one it chooses",
			       name, elf_file_path(file));
	return 0;
}

/* The function's bytes in the file. */
struct code {
	const uint8_t *data;
	size_t bytes;
	uint64_t offset;
};

static bool find_code(struct elf_file *file, const GElf_Sym *symbol, struct code *ret)
{
	Elf *elf = elf_file_handle(file);
	GElf_Phdr segment;
	size_t count = 0;
	elf_getphdrnum(elf, &count);
	for (int i = 0; i < (int)count && gelf_getphdr(elf, i, &segment); i++) {
		uint64_t at = symbol->st_value - segment.p_vaddr;
		if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X) ||
		    at >= segment.p_filesz)
			continue;
		uint64_t room = segment.p_filesz - at;
		size_t bytes = symbol->st_size && symbol->st_size < room ? symbol->st_size
									 : INSN_BYTES_MAX;
		bytes = bytes < room ? bytes : room;
		ret->offset = segment.p_offset + at;
		Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)ret->offset, bytes, ELF_T_BYTE);
		ret->data = data ? data->d_buf : NULL;
		ret->bytes = data ? data->d_size : 0;
		return ret->data && ret->bytes;
	}
	return false;
}

static bool begins_instruction(const struct code *code, uint64_t offset)
{
	struct insn in;
	uint64_t at = 0;
	while (at < offset && at < code->bytes &&
	       insn_decode(code->data + at, code->bytes - at, at, &in))
		at += in.bytes;
	return at == offset && at < code->bytes &&
	       insn_decode(code->data + at, code->bytes - at, at, &in);
}

static int find_place(struct elf_file *file, const char *function, uint64_t offset,
		      struct uprobe_place *ret, struct err *e)
{
	struct function found;
	struct code code = {0};
	struct insn first;
	int status = find_function(file, function, &found, e);
	if (status < 0)
		return status;
	if (!find_code(file, &found.symbol, &code))
		return err_set(e, EINVAL, "the code of '%s' is not in %s", function,
			       elf_file_path(file));
	if (!begins_instruction(&code, offset))
		return err_set(e, EINVAL, "no instruction begins at %s+%#llx of %s", function,
			       (unsigned long long)offset, elf_file_path(file));
	if (!offset && insn_decode(code.data, code.bytes, 0, &first) &&
	    first.class == INSN_LANDING && first.bytes < code.bytes)
		offset = first.bytes;
	ret->offset = code.offset + offset;
	ret->in_red_zone = uprobe_risk_at(code.data, code.bytes, offset);
	return 0;
}

int uprobe_place_find(const char *file, const char *function, uint64_t offset,
		      struct uprobe_place *ret, struct err *e)
{
	struct elf_file *opened = NULL;
	int status = find_file(file, ret->path, e);
	if (status == 0)
		status = elf_file_open(ret->path, &opened, e);
	if (status == 0)
		status = find_place(opened, function, offset, ret, e);
	elf_file_close(opened);
	return status;
}
