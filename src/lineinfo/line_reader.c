/* SPDX-License-Identifier: MIT */
#include "lineinfo/line_reader.h"

#include "util/cleanup.h"

#include <fcntl.h>
#include <gelf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHARES_MAX = 8, SHARE_QUESTIONS_MIN = 4096 };

/* The section of a program that carries a table; false when it does not. */
static bool find_section(void *image, size_t bytes, const uint8_t **data_ret, size_t *bytes_ret)
{
	elf_version(EV_CURRENT);
	Elf *elf = elf_memory(image, bytes);
	size_t names;
	bool found = false;
	if (elf && elf_kind(elf) == ELF_K_ELF && !elf_getshdrstrndx(elf, &names)) {
		for (Elf_Scn *s = NULL; !found && (s = elf_nextscn(elf, s));) {
			GElf_Shdr h;
			const char *name =
				gelf_getshdr(s, &h) ? elf_strptr(elf, names, h.sh_name) : NULL;
			found = name && !strcmp(name, LINE_SECTION) && h.sh_type != SHT_NOBITS &&
				h.sh_offset <= bytes && h.sh_size <= bytes - h.sh_offset;
			if (found) {
				*data_ret = (const uint8_t *)image + h.sh_offset;
				*bytes_ret = h.sh_size;
			}
		}
	}
	elf_end(elf);
	return found;
}

/* By reading, for that leaves no page of the table in our memory. */
static int sum_file(int fd, size_t start, size_t bytes, uint64_t *ret)
{
	static const size_t chunk = 1 << 16;
	CLEANUP(free) uint8_t *data = malloc(chunk);
	uint64_t sum = bytes;
	if (!data)
		return -ENOMEM;
	for (size_t at = 0; at < bytes; at += chunk) {
		size_t wanted = bytes - at < chunk ? bytes - at : chunk;
		if (pread(fd, data, wanted, (off_t)(start + at)) != (ssize_t)wanted)
			return -EIO;
		sum = lines_sum_more(sum, data, wanted, at);
	}
	*ret = sum;
	return 0;
}

int line_reader_open(struct line_reader *ret, const char *path, struct err *e)
{
	struct stat status;
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	*ret = (struct line_reader){.map = MAP_FAILED};
	if (fd < 0 || fstat(fd, &status))
		return err_errno(e, "%s", path);
	ret->map_bytes = (size_t)status.st_size;
	if (status.st_size > 0)
		ret->map = mmap(NULL, ret->map_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (ret->map == MAP_FAILED)
		return err_set(e, EBADMSG, "%s is empty, or cannot be mapped", path);
	const uint8_t *data = ret->map;
	size_t bytes = ret->map_bytes;
	if (bytes > 4 && !memcmp(data, ELFMAG, SELFMAG) &&
	    !find_section(ret->map, bytes, &data, &bytes))
		return err_set(e, ENODATA, "%s carries no line table", path);
	uint64_t sum;
	if (sum_file(fd, (size_t)(data - (uint8_t *)ret->map), bytes, &sum) ||
	    lines_open_summed(&ret->table, data, bytes, sum))
		return err_set(e, EBADMSG, "%s is no line table of this version, or a damaged one",
			       path);
	return 0;
}

void line_reader_close(struct line_reader *r)
{
	if (r->map != MAP_FAILED && r->map)
		munmap(r->map, r->map_bytes);
	for (uint32_t i = 0; r->files && i < r->table.header.file_count; i++)
		free(r->files[i]);
	free(r->files);
	free(r->symbol_of);
	free(r->next_symbol);
	*r = (struct line_reader){.map = MAP_FAILED};
}

static int question_order(const void *left, const void *right)
{
	const struct line_question *const *a = left, *const *b = right;
	if ((*a)->region != (*b)->region)
		return (*a)->region < (*b)->region ? -1 : 1;
	return (*a)->address < (*b)->address ? -1 : (*a)->address > (*b)->address;
}

static void answer_none(struct line_question *q)
{
	q->site = (struct lines_site){LINES_NO_FILE, 0};
	q->is_exact = true;
}

static uint64_t looked_up(const struct line_question *q)
{
	return q->address - (q->asked == LINE_ASKED_RETURN);
}

static void answer(const struct line_reader *r, struct line_question *q, struct lines_site site)
{
	enum lines_profile profile = r->table.header.profile;
	q->site = site;
	q->is_exact = profile == LINES_BYTE || q->asked == LINE_ASKED_RETURN ||
		      (q->asked == LINE_ASKED_FAULT && profile == LINES_CRASH);
}

/* Those of one block, which begin at questions[0]; gives their number. */
static size_t ask_block(const struct line_reader *r, const struct lines_region *region,
			struct line_question **questions, size_t count)
{
	struct lines_walk walk;
	struct lines_answer row;
	size_t at = 0;
	uint64_t address = looked_up(questions[0]);
	if (address - region->address >= region->bytes ||
	    !lines_walk_begin(&r->table, region, address, &walk)) {
		answer_none(questions[0]);
		return 1;
	}
	while (at < count && lines_walk_next(&walk, &row))
		for (; at < count && looked_up(questions[at]) < row.end; at++)
			answer(r, questions[at], row.site);
	if (!at)
		answer_none(questions[at++]);
	return at;
}

/* A share of the questions, sorted. */
struct share {
	struct line_reader *reader;
	struct line_question **questions;
	size_t count;
	pthread_t thread;
	bool is_running;
};

static void *ask_share(void *argument)
{
	struct share *s = argument;
	struct lines_region region;
	for (size_t at = 0, end; at < s->count; at = end) {
		uint32_t number = s->questions[at]->region;
		bool known = lines_region_at(&s->reader->table, number, &region);
		for (end = at; end < s->count && s->questions[end]->region == number;)
			end++;
		for (size_t i = at; i < end;) {
			if (known)
				i += ask_block(s->reader, &region, s->questions + i, end - i);
			else
				answer_none(s->questions[i++]);
		}
	}
	return NULL;
}

/* Decoding is all the work there is, and every block stands for itself: each cpu takes a share. */
static void ask_shares(struct line_reader *r, struct line_question **sorted, size_t count)
{
	struct share shares[SHARES_MAX];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t wanted = count / SHARE_QUESTIONS_MIN + 1, used = 1;
	while (used < wanted && used < SHARES_MAX && (long)used < cpus)
		used++;
	for (size_t i = 0; i < used; i++) {
		size_t first = count * i / used, end = count * (i + 1) / used;
		shares[i] = (struct share){r, sorted + first, end - first, 0, false};
		if (i + 1 < used)
			shares[i].is_running =
				!pthread_create(&shares[i].thread, NULL, ask_share, &shares[i]);
		if (!shares[i].is_running)
			ask_share(&shares[i]);
	}
	for (size_t i = 0; i < used; i++)
		if (shares[i].is_running)
			pthread_join(shares[i].thread, NULL);
}

int line_reader_ask(struct line_reader *r, struct line_question *questions, size_t count)
{
	struct line_question **sorted = malloc((count + 1) * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &questions[i];
	qsort(sorted, count, sizeof(struct line_question *), question_order);
	ask_shares(r, sorted, count);
	free(sorted);
	return 0;
}

const char *line_reader_file(struct line_reader *r, uint32_t file)
{
	char name[LINES_NAME_ROOM];
	if (file >= r->table.header.file_count)
		return NULL;
	if (!r->files)
		r->files = calloc(r->table.header.file_count, sizeof(*r->files));
	if (r->files && !r->files[file] && lines_file_name(&r->table, file, name))
		r->files[file] = strdup(name);
	return r->files ? r->files[file] : NULL;
}

bool line_reader_region(const struct line_reader *r, uint64_t address, uint32_t *region_ret)
{
	struct lines_object object;
	struct lines_region region;
	for (uint32_t i = 0; lines_region_at(&r->table, i, &region); i++) {
		if (address - region.address >= region.bytes ||
		    !lines_object_at(&r->table, region.object, &object) || object.is_module)
			continue;
		*region_ret = i;
		return true;
	}
	return false;
}

bool line_reader_object(const struct line_reader *r, const char *name, uint32_t *ret)
{
	struct lines_object object;
	for (uint32_t i = 0; lines_object_at(&r->table, i, &object); i++) {
		if (strcmp(lines_word(&r->table, object.name), name))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

bool line_reader_function(const struct line_reader *r, const char *name, uint32_t *ret)
{
	char found[LINES_NAME_ROOM];
	uint32_t low = 0, count = r->table.header.function_count;
	while (count > 0) {
		uint32_t half = count / 2;
		if (!lines_function_name(&r->table, low + half, found))
			return false;
		int order = strcmp(name, found);
		if (!order) {
			*ret = low + half;
			return true;
		}
		if (order > 0)
			low += half + 1;
		count = order > 0 ? count - half - 1 : half;
	}
	return false;
}

/* Which symbols a function has: chains through all symbols, made once. */
static bool index_symbols(struct line_reader *r)
{
	uint32_t functions = r->table.header.function_count;
	uint32_t symbols = r->table.header.parts[LINES_SYMBOLS].bytes / sizeof(struct lines_symbol);
	struct lines_symbol symbol;
	if (r->symbol_of)
		return true;
	r->symbol_of = calloc((size_t)functions + 1, sizeof(*r->symbol_of));
	r->next_symbol = calloc((size_t)symbols + 1, sizeof(*r->next_symbol));
	for (uint32_t i = symbols; r->symbol_of && r->next_symbol && i-- > 0;) {
		if (!lines_symbol_at(&r->table, i, &symbol) || symbol.function >= functions)
			continue;
		r->next_symbol[i + 1] = r->symbol_of[symbol.function];
		r->symbol_of[symbol.function] = i + 1;
	}
	return r->symbol_of && r->next_symbol;
}

static bool region_of_symbol(const struct line_reader *r, uint32_t symbol, uint32_t *ret)
{
	struct lines_region region;
	for (uint32_t i = 0; lines_region_at(&r->table, i, &region); i++) {
		if (symbol - region.first_symbol >= region.symbol_count)
			continue;
		*ret = i;
		return true;
	}
	return false;
}

bool line_reader_next_symbol(struct line_reader *r, uint32_t function, uint32_t *symbol,
			     struct lines_symbol *ret, uint32_t *region_ret)
{
	if (function >= r->table.header.function_count || !index_symbols(r))
		return false;
	*symbol = *symbol ? r->next_symbol[*symbol] : r->symbol_of[function];
	return *symbol && lines_symbol_at(&r->table, *symbol - 1, ret) &&
	       region_of_symbol(r, *symbol - 1, region_ret);
}
