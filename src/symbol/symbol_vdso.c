/* SPDX-License-Identifier: MIT */
#include "symbol/symbol_vdso.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

int symbol_vdso_open(struct elf_file **ret, struct err *e)
{
	const ElfW(Ehdr) *image = (const ElfW(Ehdr) *)getauxval(AT_SYSINFO_EHDR);
	if (!image)
		return err_set(e, ENOENT, "this kernel maps no vdso");
	/* The section headers are the image's last bytes. */
	size_t bytes = image->e_shoff + (size_t)image->e_shnum * image->e_shentsize;
	return elf_file_open_memory(image, bytes, "[vdso]", ret, e);
}
