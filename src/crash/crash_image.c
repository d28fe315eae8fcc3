/* SPDX-License-Identifier: MIT */
#include "crash/crash_image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTION ".cairn_lines"

static const ElfW(Shdr) * section_at(const uint8_t *image, size_t bytes, size_t index)
{
	const ElfW(Ehdr) *h = (const ElfW(Ehdr) *)image;
	if (h->e_shentsize != sizeof(ElfW(Shdr)) || index >= h->e_shnum || h->e_shoff > bytes ||
	    h->e_shoff % 8 || (bytes - h->e_shoff) / sizeof(ElfW(Shdr)) <= index)
		return NULL;
	return (const ElfW(Shdr) *)(image + h->e_shoff) + index;
}

static bool is_inside(const ElfW(Shdr) * s, size_t bytes)
{
	return s && s->sh_type != SHT_NOBITS && s->sh_offset <= bytes &&
	       s->sh_size <= bytes - s->sh_offset;
}

static int open_table(struct crash_image *ret, const uint8_t *image, size_t bytes)
{
	const ElfW(Ehdr) *h = (const ElfW(Ehdr) *)image;
	if (bytes < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	const ElfW(Shdr) *names = section_at(image, bytes, h->e_shstrndx), *s;
	if (!is_inside(names, bytes))
		return -ENOENT;
	for (size_t i = 0; (s = section_at(image, bytes, i)); i++) {
		size_t room = s->sh_name < names->sh_size ? names->sh_size - s->sh_name : 0;
		const char *name = (const char *)image + names->sh_offset + s->sh_name;
		if (room < sizeof(SECTION) || memcmp(name, SECTION, sizeof(SECTION)))
			continue;
		if (!is_inside(s, bytes))
			return -EBADMSG;
		return cairn_lines_open(&ret->lines, image + s->sh_offset, s->sh_size);
	}
	return -ENOENT;
}

static int note_module(struct dl_phdr_info *info, size_t bytes, void *context)
{
	struct crash_image *image = context;
	(void)bytes;
	if (!image->module_count)
		image->base = info->dlpi_addr;
	for (unsigned i = 0; i < info->dlpi_phnum && image->module_count < CRASH_MODULES_MAX; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uint64_t start = info->dlpi_addr + p->p_vaddr;
		if (p->p_type == PT_LOAD && (p->p_flags & PF_X))
			image->modules[image->module_count++] = (struct crash_module){
				start, start + p->p_memsz, info->dlpi_addr, info->dlpi_name};
	}
	return 0;
}

int crash_image_load(struct crash_image *ret)
{
	struct stat status;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), failed = -ENOENT;
	if (fd < 0 || fstat(fd, &status)) {
		failed = -errno;
		if (fd >= 0)
			close(fd);
		return failed;
	}
	size_t bytes = (size_t)status.st_size;
	void *image = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (image == MAP_FAILED)
		return -errno;
	failed = open_table(ret, image, bytes);
	if (failed)
		munmap(image, bytes);
	else
		dl_iterate_phdr(note_module, ret);
	return failed;
}
