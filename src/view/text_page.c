/* SPDX-License-Identifier: MIT */
#include "view/text_page.h"

#include <string.h>

void page_paint(struct page *p, enum paint paint)
{
	static const char *const codes[] = {"\033[0m", "\033[1m", "\033[31m"};
	if (p->scene.options->color)
		text_append(p->out, codes[paint], strlen(codes[paint]));
}

void page_line(struct page *p, const char *format, ...)
{
	struct text line = {0};
	va_list args;
	va_start(args, format);
	text_vprint(&line, format, args);
	va_end(args);
	if (line.data)
		line_print(p->out, p->scene.options->width, line.data);
	text_deinit(&line);
}

void page_table(struct page *p, const struct table *t)
{
	if (!t->ends.count)
		return;
	text_append(p->out, "\n", 1);
	table_print(t, p->out, p->scene.options->width, p->scene.options->color);
	if (t->cells.failed)
		p->out->failed = true;
}

void page_quantiles(struct table *t, const struct histogram *h)
{
	table_cell(t, "%s", unit_ns(histogram_quantile(h, 500)).text);
	table_cell(t, "%s", unit_ns(histogram_quantile(h, 900)).text);
	table_cell(t, "%s", unit_ns(histogram_quantile(h, 990)).text);
	table_cell(t, "%s", unit_ns(h->max).text);
}

size_t page_rows(const struct page *p, size_t usual)
{
	return p->scene.options->top ? p->scene.options->top : usual;
}
