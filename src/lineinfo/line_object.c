/* SPDX-License-Identifier: MIT */
#include "lineinfo/line_object.h"

#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where debuginfod's client keeps what it fetched once. */
static int open_cached(Dwfl_Module *module)
{
	const uint8_t *id;
	GElf_Addr at;
	int bytes = dwfl_module_build_id(module, &id, &at);
	const char *set = getenv("DEBUGINFOD_CACHE_PATH");
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char path[PATH_MAX], digits[2 * LINE_BUILD_ID_BYTES + 1] = "";
	if (bytes <= 0 || bytes > LINE_BUILD_ID_BYTES || (!set && !cache && !home))
		return -1;
	for (int i = 0; i < bytes; i++)
		snprintf(digits + 2 * i, 3, "%02x", id[i]);
	if (set)
		snprintf(path, sizeof(path), "%s/%s/debuginfo", set, digits);
	else
		snprintf(path, sizeof(path), "%s%s/debuginfod_client/%s/debuginfo",
			 cache ? cache : home, cache ? "" : "/.cache", digits);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int find_debug(Dwfl_Module *module, void **context, const char *name, GElf_Addr base,
		      const char *file, const char *link, GElf_Word crc, char **ret)
{
	int fd = dwfl_standard_find_debuginfo(module, context, name, base, file, link, crc, ret);
	return fd >= 0 ? fd : open_cached(module);
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = find_debug,
	.section_address = dwfl_offline_section_address,
};

static int section_order(const void *left, const void *right)
{
	const struct line_section *a = left, *b = right;
	return a->address < b->address ? -1 : a->address > b->address;
}

static int read_sections(struct line_object *o)
{
	size_t names;
	if (elf_getshdrstrndx(o->elf, &names))
		return 0;
	for (Elf_Scn *s = NULL; (s = elf_nextscn(o->elf, s));) {
		GElf_Shdr header;
		if (!gelf_getshdr(s, &header) || !(header.sh_flags & SHF_EXECINSTR) ||
		    !(header.sh_flags & SHF_ALLOC) || !header.sh_size)
			continue;
		const char *name = elf_strptr(o->elf, names, header.sh_name);
		Elf_Data *data = header.sh_type == SHT_NOBITS ? NULL : elf_rawdata(s, NULL);
		bool whole = data && data->d_buf && data->d_size >= header.sh_size;
		struct line_section section = {name ? name : "", header.sh_addr, header.sh_size,
					       whole ? data->d_buf : NULL};
		if (array_push(&o->sections, section))
			return -ENOMEM;
	}
	if (o->sections.count)
		qsort(o->sections.items, o->sections.count, sizeof(*o->sections.items),
		      section_order);
	return 0;
}

/* "/lib/…/snd-hda.ko.debug" is what the kernel calls snd_hda. */
static char *object_name(const char *path, bool is_module)
{
	const char *slash = strrchr(path, '/');
	char *name = strdup(slash ? slash + 1 : path);
	char *suffix = name && is_module ? strstr(name, ".ko") : NULL;
	if (!suffix)
		return name;
	*suffix = 0;
	for (char *at = name; *at; at++)
		*at = *at == '-' ? '_' : *at;
	return name;
}

static void read_build_id(struct line_object *o)
{
	const uint8_t *id;
	GElf_Addr at;
	int bytes = dwfl_module_build_id(o->module, &id, &at);
	if (bytes <= 0 || bytes > LINE_BUILD_ID_BYTES)
		return;
	memcpy(o->build_id, id, (size_t)bytes);
	o->build_id_bytes = (unsigned)bytes;
}

int line_object_open(struct line_object *ret, const char *path, struct err *e)
{
	*ret = (struct line_object){.dwfl = dwfl_begin(&callbacks)};
	GElf_Addr bias;
	GElf_Ehdr header;
	if (access(path, R_OK))
		return err_errno(e, "%s", path);
	if (ret->dwfl)
		ret->module = dwfl_report_offline(ret->dwfl, path, path, -1);
	if (!ret->module || dwfl_report_end(ret->dwfl, NULL, NULL))
		return err_set(e, ENODATA, "%s: %s", path, dwfl_errmsg(-1));
	ret->elf = dwfl_module_getelf(ret->module, &bias);
	if (!ret->elf || !gelf_getehdr(ret->elf, &header))
		return err_set(e, ENODATA, "%s: %s", path, dwfl_errmsg(-1));
	ret->dwarf = dwfl_module_getdwarf(ret->module, &bias);
	if (!ret->dwarf)
		return err_set(e, ENODATA,
			       "%s has no debug information, and none is installed "
			       "for it: %s",
			       path, dwfl_errmsg(-1));
	ret->is_relocatable = header.e_type == ET_REL;
	ret->name = object_name(path, ret->is_relocatable);
	read_build_id(ret);
	if (!ret->name || read_sections(ret))
		return err_set(e, ENOMEM, "%s: no memory", path);
	return 0;
}

void line_object_close(struct line_object *o)
{
	array_free(&o->sections);
	free(o->name);
	dwfl_end(o->dwfl);
	*o = (struct line_object){0};
}
