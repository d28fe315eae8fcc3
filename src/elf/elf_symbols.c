/* SPDX-License-Identifier: MIT */
#include "elf/elf_symbols.h"

#include <gelf.h>
#include <string.h>

/* How many symbols that end too early are passed over in search of one that contains them. */
enum { SYMBOL_NESTING_MAX = 64 };

/* By address; of several names for one place the one people know comes last: fewest "_". */
static int symbol_order(const void *left, const void *right)
{
	const struct elf_symbol *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->has_size != b->has_size)
		return a->has_size ? 1 : -1;
	size_t a_underscores = strspn(a->name, "_"), b_underscores = strspn(b->name, "_");
	if (a_underscores != b_underscores)
		return a_underscores > b_underscores ? -1 : 1;
	return strcmp(b->name, a->name);
}

/* Where the symbol's section of code ends; 0 when it is no code. */
static uint64_t symbol_limit(Elf *elf, const GElf_Sym *symbol)
{
	unsigned type = GELF_ST_TYPE(symbol->st_info);
	if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
		return 0;
	GElf_Shdr header;
	Elf_Scn *section = NULL;
	if (symbol->st_shndx != SHN_UNDEF && symbol->st_shndx < SHN_LORESERVE)
		section = elf_getscn(elf, symbol->st_shndx);
	if (!section || !gelf_getshdr(section, &header) || !(header.sh_flags & SHF_EXECINSTR) ||
	    symbol->st_value - header.sh_addr >= header.sh_size)
		return 0;
	return header.sh_addr + header.sh_size;
}

static void symbols_add(struct elf_symbols *s, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym symbol;
	for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
		uint64_t limit = symbol_limit(elf, &symbol);
		const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
		if (!limit || !name || !*name)
			continue;
		bool has_size = symbol.st_size && symbol.st_size <= limit - symbol.st_value;
		uint64_t end = has_size ? symbol.st_value + symbol.st_size : limit;
		if (array_push(&s->table,
			       (struct elf_symbol){symbol.st_value, end, name, has_size}))
			return;
	}
}

/* Assembly often leaves the size out: such a symbol reaches to the next one of its section. */
static void symbols_close_gaps(struct elf_symbols *s)
{
	uint64_t next_start = UINT64_MAX;
	for (size_t i = s->table.count; i-- > 0;) {
		struct elf_symbol *symbol = &s->table.items[i];
		bool is_last_here = i + 1 == s->table.count || symbol[1].start != symbol->start;
		if (is_last_here && i + 1 < s->table.count)
			next_start = symbol[1].start;
		if (!symbol->has_size && symbol->end > next_start)
			symbol->end = next_start;
	}
}

bool elf_symbols_read(struct Elf *elf, uint32_t section_type, struct elf_symbols *ret)
{
	GElf_Shdr header;
	Elf_Scn *section = NULL;
	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == section_type)
			break;
	if (!section)
		return false;
	symbols_add(ret, elf, section, &header);
	if (ret->table.count)
		qsort(ret->table.items, ret->table.count, sizeof(*ret->table.items), symbol_order);
	symbols_close_gaps(ret);
	return ret->table.count > 0;
}

bool elf_symbols_find(const struct elf_symbols *s, uint64_t address, struct elf_symbol *ret)
{
	size_t low = array_count_to(&s->table, start, address);
	for (size_t tried = 0; low-- > 0 && tried < SYMBOL_NESTING_MAX; tried++) {
		if (address < s->table.items[low].end) {
			*ret = s->table.items[low];
			return true;
		}
	}
	return false;
}

void elf_symbols_deinit(struct elf_symbols *s)
{
	array_free(&s->table);
}
