/* SPDX-License-Identifier: MIT */
#include "view/table.h"
#include "util/utf8.h"

#include <string.h>

enum { TABLE_GAP = 2 };

void table_init(struct table *t, const struct table_column *columns, size_t column_count)
{
	*t = (struct table){.columns = columns, .column_count = column_count};
}

void table_deinit(struct table *t)
{
	text_deinit(&t->cells);
	array_free(&t->ends);
}

void table_cell(struct table *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	text_vprint(&t->cells, format, args);
	va_end(args);
	if (array_push(&t->ends, t->cells.bytes))
		t->cells.failed = true;
}

static const char *cell(const struct table *t, size_t index, size_t *bytes_ret)
{
	size_t start = index ? t->ends.items[index - 1] : 0;
	*bytes_ret = t->ends.items[index] - start;
	return t->cells.data + start;
}

/* Titles count only above something. */
static void measure(const struct table *t, unsigned widths[TABLE_COLUMNS_MAX])
{
	memset(widths, 0, TABLE_COLUMNS_MAX * sizeof(widths[0]));
	for (size_t i = 0; i < t->ends.count; i++) {
		size_t bytes;
		const char *text = cell(t, i, &bytes);
		unsigned width = (unsigned)utf8_width(text, bytes);
		if (width > widths[i % t->column_count])
			widths[i % t->column_count] = width;
	}
	for (size_t c = 0; c < t->column_count; c++) {
		unsigned title =
			(unsigned)utf8_width(t->columns[c].title, strlen(t->columns[c].title));
		if (widths[c] && widths[c] < title)
			widths[c] = title;
	}
}

/* Takes from the widest column that may shrink until all fit, or nothing can give. */
static void shrink(const struct table *t, unsigned widths[TABLE_COLUMNS_MAX], unsigned page)
{
	for (;;) {
		unsigned total = 0;
		size_t widest = t->column_count;
		for (size_t c = 0; c < t->column_count; c++) {
			total += widths[c] ? widths[c] + (total ? TABLE_GAP : 0) : 0;
			if (t->columns[c].min && widths[c] > t->columns[c].min &&
			    (widest == t->column_count || widths[c] > widths[widest]))
				widest = c;
		}
		if (total <= page || widest == t->column_count)
			return;
		widths[widest]--;
	}
}

static void blanks(struct text *out, size_t count)
{
	while (count--)
		text_append(out, " ", 1);
}

/* The cell without its padding behind it. */
static void cut(struct text *out, const char *text, size_t bytes, unsigned width)
{
	if (utf8_width(text, bytes) <= width) {
		text_append(out, text, bytes);
		return;
	}
	text_append(out, text, utf8_fit(text, bytes, width - 1));
	text_append(out, "…", strlen("…"));
}

static void print_cell(const struct table *t, struct text *out, size_t column, const char *text,
		       size_t bytes, unsigned width, size_t *pending)
{
	size_t needed = utf8_width(text, bytes);
	size_t padding = needed < width ? width - needed : 0;
	if (!bytes) {
		*pending += width;
		return;
	}
	blanks(out, *pending + (t->columns[column].right ? padding : 0));
	cut(out, text, bytes, width);
	*pending = t->columns[column].right ? 0 : padding;
}

void table_print(const struct table *t, struct text *out, unsigned width, bool bold)
{
	unsigned widths[TABLE_COLUMNS_MAX];
	size_t pending = 0; /* blanks not yet written: a line may end before them */
	if (!t->ends.count)
		return;
	measure(t, widths);
	shrink(t, widths, width);
	if (bold)
		text_append(out, "\033[1m", 4);
	for (size_t i = 0; i < t->column_count + t->ends.count; i++) {
		size_t column = i % t->column_count;
		size_t bytes = strlen(t->columns[column].title);
		const char *text = t->columns[column].title;
		if (i >= t->column_count)
			text = cell(t, i - t->column_count, &bytes);
		if (column == 0)
			pending = 0;
		if (widths[column]) {
			print_cell(t, out, column, text, bytes, widths[column], &pending);
			pending += TABLE_GAP;
		}
		if (column + 1 < t->column_count)
			continue;
		if (bold && i + 1 == t->column_count)
			text_append(out, "\033[0m", 4);
		text_append(out, "\n", 1);
	}
}

/* Where to break: behind the last blank that fits, or anywhere in a word too long for a line. */
static size_t line_break(const char *line, size_t bytes, unsigned width)
{
	size_t fit = utf8_fit(line, bytes, width);
	if (fit == bytes)
		return fit;
	for (size_t at = fit; at > 0; at--) {
		if (line[at] == ' ')
			return at;
	}
	return fit ? fit : bytes;
}

void line_print(struct text *out, unsigned width, const char *line)
{
	size_t indent = strspn(line, " "), bytes = strlen(line + indent);
	line += indent;
	if (indent + 4 >= width)
		indent = 0;
	for (size_t more = 0;; more = 2) {
		size_t fit = line_break(line, bytes, width - (unsigned)(indent + more));
		blanks(out, indent + more);
		text_append(out, line, fit);
		text_append(out, "\n", 1);
		fit += strspn(line + fit, " ");
		line += fit;
		bytes -= fit;
		if (!bytes)
			return;
	}
}
