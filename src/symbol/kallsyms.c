/* SPDX-License-Identifier: MIT */
#include "symbol/kallsyms.h"
#include "util/array.h"
#include "util/cleanup.h"
#include "util/text.h"

#include <fcntl.h>
#include <string.h>

/* No function is longer; an address farther behind the last symbol is in no function. */
enum { KALLSYMS_FUNCTION_BYTES_MAX = 1 << 20 };

struct kallsyms {
	char *text; /* names and modules point into it */
	ARRAY(struct kallsyms_symbol) table;
};

static int symbol_order(const void *left, const void *right)
{
	const struct kallsyms_symbol *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	/* The last one of an address is found. */
	size_t a_underscores = strspn(a->name, "_"), b_underscores = strspn(b->name, "_");
	if (a_underscores != b_underscores)
		return a_underscores > b_underscores ? -1 : 1;
	return strcmp(b->name, a->name);
}

/* "ffffffff81000000 T name\t[module]"; false for data, and for what is no such line. */
static bool line_parse(char *line, struct kallsyms_symbol *ret)
{
	char *end;
	uint64_t start = strtoull(line, &end, 16);
	if (end == line || end[0] != ' ' || !end[1] || !strchr("tTwW", end[1]) || end[2] != ' ')
		return false;
	char *name = end + 3;
	char *module = strchr(name, '\t');
	if (module) {
		*module++ = 0;
		module += *module == '[';
		module[strcspn(module, "]")] = 0;
	}
	*ret = (struct kallsyms_symbol){start, name, module ? module : ""};
	return *name != 0;
}

static int table_build(struct kallsyms *k, struct err *e)
{
	bool is_hidden = true;
	char *rest = k->text, *line;
	while ((line = strsep(&rest, "\n"))) {
		struct kallsyms_symbol symbol;
		if (!line_parse(line, &symbol))
			continue;
		is_hidden &= symbol.start == 0;
		if (array_push(&k->table, symbol))
			return err_set(e, ENOMEM, "/proc/kallsyms: no memory");
	}
	if (!k->table.count)
		return err_set(e, ENODATA, "/proc/kallsyms lists no function");
	if (is_hidden)
		return err_set(e, EPERM,
			       "the kernel hides its addresses; as root, or with "
			       "kernel.kptr_restrict=0, kernel functions have names");
	qsort(k->table.items, k->table.count, sizeof(*k->table.items), symbol_order);
	return 0;
}

int kallsyms_parse(const char *text, size_t bytes, struct kallsyms **ret, struct err *e)
{
	struct kallsyms *k = calloc(1, sizeof(*k));
	char *copy = strndup(text, bytes);
	if (!k || !copy) {
		free(k);
		free(copy);
		return err_set(e, ENOMEM, "/proc/kallsyms: no memory");
	}
	k->text = copy;
	int code = table_build(k, e);
	if (code)
		kallsyms_close(k);
	else
		*ret = k;
	return code;
}

int kallsyms_open(struct kallsyms **ret, struct err *e)
{
	CLEANUP(fd) int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "/proc/kallsyms");
	struct text t = {0};
	char chunk[65536];
	ssize_t got;
	while ((got = read(fd, chunk, sizeof(chunk))) > 0)
		text_append(&t, chunk, (size_t)got);
	int code = got < 0 ? err_errno(e, "/proc/kallsyms") : 0;
	if (!code && t.failed)
		code = err_set(e, ENOMEM, "/proc/kallsyms: no memory");
	if (!code)
		code = kallsyms_parse(t.data ? t.data : "", t.bytes, ret, e);
	text_deinit(&t);
	return code;
}

void kallsyms_close(struct kallsyms *k)
{
	if (!k)
		return;
	array_free(&k->table);
	free(k->text);
	free(k);
}

bool kallsyms_find(const struct kallsyms *k, uint64_t address, struct kallsyms_symbol *ret)
{
	size_t low = array_count_to(&k->table, start, address);
	const struct kallsyms_symbol *found = low ? &k->table.items[low - 1] : NULL;
	if (!found || address - found->start > KALLSYMS_FUNCTION_BYTES_MAX ||
	    !strcmp(found->name, "_etext"))
		return false;
	*ret = *found;
	return true;
}
