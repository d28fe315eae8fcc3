/* SPDX-License-Identifier: MIT */
#include "lineinfo/line_log.h"

#include <string.h>

enum { ALTERNATIVES_MAX = 4, FILL_BYTES_MAX = 64 };

/* The lines a frame may stand for. */
struct answers {
	struct text texts[ALTERNATIVES_MAX];
	size_t count;
};

void line_log_print_site(struct line_reader *r, const struct line_question *q, struct text *out)
{
	const char *name = line_reader_file(r, q->site.file);
	if (!name)
		text_print(out, "??:0");
	else if (!q->site.line)
		text_print(out, "%s%s:?", q->is_exact ? "" : "~", name);
	else
		text_print(out, "%s%s:%u", q->is_exact ? "" : "~", name, q->site.line);
}

static void add_answer(struct answers *a, struct line_reader *r, struct line_question *q)
{
	struct text text = {0};
	if (a->count == ALTERNATIVES_MAX || line_reader_ask(r, q, 1) ||
	    q->site.file == LINES_NO_FILE)
		return;
	line_log_print_site(r, q, &text);
	for (size_t i = 0; i < a->count; i++) {
		if (text.failed || strcmp(a->texts[i].data, text.data))
			continue;
		text_deinit(&text);
		return;
	}
	if (text.failed)
		text_deinit(&text);
	else
		a->texts[a->count++] = text;
}

static bool is_word(const struct line_word *w, const char *text)
{
	return !strncmp(w->text, text, w->bytes) && !text[w->bytes];
}

/* A program is known by the last part of its path, a kernel as what is no module. */
static bool is_object(const struct line_reader *r, uint32_t number, const struct line_word *name)
{
	struct lines_object object;
	if (!lines_object_at(&r->table, number, &object))
		return false;
	if (!name->bytes)
		return !object.is_module;
	struct line_word base = *name;
	for (size_t i = 0; i < name->bytes; i++)
		if (name->text[i] == '/')
			base = (struct line_word){name->text + i + 1, name->bytes - i - 1};
	return is_word(&base, lines_word(&r->table, object.name));
}

/*
 * The kernel says how far it is to the next symbol, a symbol how large its function is: what
 * fills up between them is less than a line of the cache.
 */
static bool has_size(const struct lines_symbol *symbol, uint64_t size)
{
	return !size || (size >= symbol->bytes && size - symbol->bytes < FILL_BYTES_MAX);
}

static void ask_function(struct line_reader *r, const struct line_frame *f, struct answers *a)
{
	char name[LINES_NAME_ROOM];
	uint32_t function, at = 0, number;
	struct lines_symbol symbol;
	struct lines_region region;
	if (f->function.bytes >= sizeof(name))
		return;
	memcpy(name, f->function.text, f->function.bytes);
	name[f->function.bytes] = 0;
	if (!line_reader_function(r, name, &function))
		return;
	while (line_reader_next_symbol(r, function, &at, &symbol, &number)) {
		struct line_question q = {.region = number, .asked = f->asked};
		if (!lines_region_at(&r->table, number, &region) ||
		    !is_object(r, region.object, &f->object) || !has_size(&symbol, f->size))
			continue;
		q.address = region.address + symbol.address + f->offset;
		add_answer(a, r, &q);
	}
}

static void ask_address(struct line_reader *r, const struct line_frame *f, struct answers *a)
{
	struct lines_region region;
	uint64_t address = f->offset - (f->asked == LINE_ASKED_RETURN);
	for (uint32_t i = 0; lines_region_at(&r->table, i, &region); i++) {
		struct line_question q = {.region = i, .asked = f->asked, .address = f->offset};
		if (address - region.address < region.bytes &&
		    is_object(r, region.object, &f->object))
			add_answer(a, r, &q);
	}
}

void line_log_decode(struct line_log *l, const char *line, struct text *out)
{
	struct line_frame frame;
	const char *at = line;
	l->mood = line_mood_after(l->mood, line);
	while (line_frame_next(line, at, l->mood, &frame)) {
		struct answers answers = {.count = 0};
		for (size_t i = 0; i < l->reader_count; i++) {
			if (frame.function.bytes)
				ask_function(&l->readers[i], &frame, &answers);
			else
				ask_address(&l->readers[i], &frame, &answers);
		}
		text_append(out, at, (size_t)(frame.end - at));
		for (size_t i = 0; i < answers.count; i++) {
			text_print(out, i ? " or %s" : " (%s", answers.texts[i].data);
			text_deinit(&answers.texts[i]);
		}
		if (answers.count)
			text_append(out, ")", 1);
		l->frames++;
		l->answered += answers.count > 0;
		at = frame.end;
	}
	text_append(out, at, strlen(at));
}
