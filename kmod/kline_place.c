/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The kernel's own place and build-id are in the note it keeps for crash dumps. A module's
 * sections are not kept by name where a module may look, but its symbols are: a function of the
 * table, found among them with its size, says where its section begins.
 */
#include "kline_place.h"

enum { NOTE_TEXT_OFFSET = 24, NOTE_TEXT_MAX = 4096, NOTE_WINDOW = 4096, TRIES = 8 };

/* The value behind "KEY=" at the start of a line of the crash dump note. */
static const char *vmcoreinfo_find(const char *key)
{
	const char *text = phys_to_virt(paddr_vmcoreinfo_note());
	size_t bytes = strlen(key);
	u32 used = ((const u32 *)text)[1];
	if (used > NOTE_TEXT_MAX - NOTE_TEXT_OFFSET)
		return NULL;
	text += NOTE_TEXT_OFFSET;
	for (const char *end = text + used; text + bytes < end; text++) {
		if (!strncmp(text, key, bytes) && text[bytes] == '=')
			return text + bytes + 1;
		text = memchr(text, '\n', end - text);
		if (!text)
			break;
	}
	return NULL;
}

bool kline_kernel_slide(unsigned long *ret)
{
	const char *value = vmcoreinfo_find("KERNELOFFSET");
	if (!value)
		return false;
	*ret = simple_strtoul(value, NULL, 16);
	return true;
}

bool kline_is_kernel(const struct lines_object *object)
{
	const char *value = vmcoreinfo_find("BUILD-ID");
	u8 id[LINES_BUILD_ID_MAX];
	return value && object->build_id_bytes == sizeof(id) && !hex2bin(id, value, sizeof(id)) &&
	       !memcmp(id, object->build_id, sizeof(id));
}

/* The build-id's note is the first of the read-only data, or near. */
bool kline_is_module(const struct lines_object *object, const struct module *mod)
{
	static const u32 head[] = {4, LINES_BUILD_ID_MAX, 3, 0x00554e47 /* "GNU" */};
	unsigned long start, bytes;
	kline_module_notes(mod, &start, &bytes);
	bytes = min_t(unsigned long, bytes, NOTE_WINDOW);
	if (object->build_id_bytes != LINES_BUILD_ID_MAX)
		return false;
	for (unsigned long at = 0; at + sizeof(head) + LINES_BUILD_ID_MAX <= bytes; at += 4)
		if (!memcmp((void *)(start + at), head, sizeof(head)))
			return !memcmp((void *)(start + at + sizeof(head)), object->build_id,
				       LINES_BUILD_ID_MAX);
	return false;
}

static bool text_holds(const struct module *mod, bool is_init, unsigned long start,
		       unsigned long bytes)
{
	unsigned long text, text_bytes;
	kline_module_text(mod, is_init, &text, &text_bytes);
	return bytes <= text_bytes && start >= text && start - text <= text_bytes - bytes;
}

static bool section_by(const struct lines_region *region, const struct lines_symbol *symbol,
		       const char *name, const struct module *mod, unsigned long *start_ret,
		       bool *is_init_ret)
{
	const struct mod_kallsyms *all = mod->kallsyms;
	for (unsigned int i = 1; i < all->num_symtab; i++) {
		const Elf_Sym *s = &all->symtab[i];
		unsigned long start = s->st_value - symbol->address;
		if (s->st_size != symbol->bytes || strcmp(all->strtab + s->st_name, name))
			continue;
		for (int is_init = 0; is_init < 2; is_init++) {
			if (!text_holds(mod, is_init, start, region->bytes))
				continue;
			*start_ret = start;
			*is_init_ret = is_init;
			return true;
		}
	}
	return false;
}

/* Static functions may share a name and a size: two of a section have to agree. */
bool kline_section_find(const struct lines_table *t, const struct lines_region *region,
			const struct module *mod, unsigned long *start_ret, bool *is_init_ret)
{
	struct lines_symbol symbol;
	unsigned long before = 0, found;
	char *name = kmalloc(LINES_NAME_ROOM, GFP_KERNEL);
	bool sure = false;
	u32 count = min_t(u32, region->symbol_count, TRIES);
	for (u32 i = 0; name && !sure && i < count; i++) {
		if (!lines_symbol_at(t, region->first_symbol + i, &symbol) || !symbol.bytes ||
		    !lines_function_name(t, symbol.function, name) ||
		    !section_by(region, &symbol, name, mod, &found, is_init_ret))
			continue;
		sure = found == before || region->symbol_count == 1;
		before = found;
	}
	kfree(name);
	*start_ret = before;
	return before;
}
