/* SPDX-License-Identifier: MIT */
/* A whole specification: the place, then the condition, then the values. */
#include "probe/probe_parser.h"
#include "util/array.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the place ends: at a blank outside of brackets, or a colon before one. */
static const char *place_end(const char *at)
{
	int depth = 0;
	for (; *at; at++) {
		if (!strncmp(at, "operator", 8)) {
			at += 8;
			while (ispunct((unsigned char)*at) && *at != '%' && *at != '+')
				at++;
			at--;
			continue;
		}
		depth += (*at == '(' || *at == '<') - (*at == ')' || *at == '>');
		bool is_end = isspace((unsigned char)*at) ||
			      (*at == ':' && (!at[1] || isspace((unsigned char)at[1])));
		if (is_end && depth <= 0)
			break;
	}
	return at;
}

/* The colon behind a module or a file; those of "shop::add" stand in pairs. */
static const char *single_colon(const char *from, const char *end, bool last)
{
	const char *found = NULL;
	for (const char *at = from; at < end; at++) {
		if (*at != ':')
			continue;
		if (at + 1 < end && at[1] == ':')
			at++;
		else if (!found || last)
			found = at;
	}
	return found;
}

static int copy_part(struct probe_parser *p, const char *from, const char *end, const char *what,
		     const char **ret)
{
	if (from == end)
		return PROBE_FAIL(p, from, "%s is expected here", what);
	*ret = arena_copy(p->to->arena, from, (size_t)(end - from));
	return *ret ? 0 : err_set(p->e, ENOMEM, "no memory for a probe");
}

static bool all_digits(const char *from, const char *end)
{
	const char *at = from;
	while (at < end && isdigit((unsigned char)*at))
		at++;
	return at == end && from < end;
}

static int parse_line(struct probe_parser *p, const char *start, const char *colon)
{
	unsigned long line = strtoul(colon + 1, NULL, 10);
	p->to->kind = PROBE_LINE;
	if (line == 0 || line > INT_MAX)
		return PROBE_FAIL(p, colon + 1, "a line's number is expected here");
	p->to->line = (unsigned)line;
	return copy_part(p, start, colon, "a file's name", &p->to->file);
}

/* The "+0x1f" at the end of a function's name, or NULL. */
static const char *find_offset(const char *start, const char *end)
{
	const char *plus = end;
	while (plus > start && *plus != '+')
		plus--;
	if (plus <= start || plus + 1 >= end || !isdigit((unsigned char)plus[1]))
		return NULL;
	return plus;
}

static int parse_offset(struct probe_parser *p, const char *plus, const char *end)
{
	char *stop;
	errno = 0;
	p->to->kind = PROBE_OFFSET;
	p->to->offset = strtoull(plus + 1, &stop, 0);
	if (stop != end || errno)
		return PROBE_FAIL(p, plus + 1, "an offset is a number such as 16 or 0x1f");
	return 0;
}

static int parse_function(struct probe_parser *p, const char *start, const char *end)
{
	const char *percent = memchr(start, '%', (size_t)(end - start));
	const char *name_end = percent ? percent : end, *plus = find_offset(start, name_end);
	int code = 0;
	if (percent && end - percent == 7 && !memcmp(percent, "%return", 7))
		p->to->kind = PROBE_RETURN;
	else if (percent && end - percent == 9 && !memcmp(percent, "%epilogue", 9))
		p->to->kind = PROBE_EPILOGUE;
	else if (percent)
		code = PROBE_FAIL(p, percent, "%%return or %%epilogue is expected here");
	if (!code && plus && percent)
		code = PROBE_FAIL(p, plus, "an offset and %.*s do not go together",
				  (int)(end - percent), percent);
	if (!code && plus)
		code = parse_offset(p, plus, end);
	if (code)
		return code;
	return copy_part(p, start, plus ? plus : name_end, "a function's name", &p->to->function);
}

static int parse_place(struct probe_parser *p)
{
	const char *start = probe_skip_blanks(p), *end = place_end(start);
	const char *last = single_colon(start, end, true), *module_end;
	bool is_line = last && all_digits(last + 1, end);
	int code = copy_part(p, start, end, "a place", &p->to->place);
	module_end = single_colon(start, is_line ? last : end, false);
	if (!code && module_end) {
		code = copy_part(p, start, module_end, "a module", &p->to->module);
		start = module_end + 1;
	}
	if (!code)
		code = is_line ? parse_line(p, start, last) : parse_function(p, start, end);
	p->at = end;
	return code;
}

/* A name for an expression without one: that of what it ends in. */
static const char *default_name(const struct probe_spec *s, uint32_t root)
{
	const struct probe_node *n = &s->nodes[root];
	static const char *const arguments[] = {"arg1", "arg2", "arg3", "arg4", "arg5", "arg6"};
	while (n->op == PROBE_AT_ENTRY || n->op == PROBE_STRING || n->op == PROBE_INDEX ||
	       n->op == PROBE_DEREF || n->op == PROBE_ADDRESS)
		n = &s->nodes[n->left];
	if (n->op == PROBE_ARGUMENT)
		return arguments[n->value - 1];
	if (n->op == PROBE_RESULT)
		return "ret";
	bool is_named = n->op == PROBE_NAME || n->op == PROBE_MEMBER || n->op == PROBE_ARROW;
	const char *colon = is_named ? strrchr(n->name, ':') : NULL;
	return is_named ? (colon ? colon + 1 : n->name) : "value";
}

static bool name_is_taken(const struct probe_spec *s, const char *name)
{
	for (unsigned i = 0; i < s->item_count; i++) {
		if (!strcmp(s->items[i].name, name))
			return true;
	}
	return false;
}

/* "fd", then "fd_2". */
static int unique_name(struct probe_parser *p, const char *name, const char **ret)
{
	char numbered[128];
	*ret = name;
	for (unsigned i = 2; name_is_taken(p->to, *ret); i++) {
		int bytes = snprintf(numbered, sizeof(numbered), "%.100s_%u", name, i);
		*ret = arena_copy(p->to->arena, numbered, (size_t)bytes);
		if (!*ret)
			return err_set(p->e, ENOMEM, "no memory for a probe");
	}
	return 0;
}

/* "NAME =", and not "NAME ==". */
static int parse_label(struct probe_parser *p, const char **ret)
{
	const char *start = probe_skip_blanks(p), *at = start + probe_word_bytes(start);
	const char *end = at;
	while (isspace((unsigned char)*at))
		at++;
	*ret = NULL;
	if (end == start || *at != '=' || at[1] == '=')
		return 0;
	p->at = at + 1;
	*ret = arena_copy(p->to->arena, start, (size_t)(end - start));
	if (!*ret)
		return err_set(p->e, ENOMEM, "no memory for a probe");
	if (name_is_taken(p->to, *ret))
		return PROBE_FAIL(p, start, "there are two values named %s", *ret);
	return 0;
}

static int parse_item(struct probe_parser *p)
{
	struct probe_spec *s = p->to;
	struct probe_item item = {.name = NULL};
	const char *name;
	if (s->item_count == PROBE_FIELDS_MAX)
		return PROBE_FAIL(p, p->at, "there are more than %d values", PROBE_FIELDS_MAX);
	int code = parse_label(p, &name);
	const char *start = probe_skip_blanks(p);
	if (!code)
		code = probe_parse_expression(p, &item.root);
	const char *end = p->at;
	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	if (!code)
		code = copy_part(p, start, end, "a value", &item.text);
	if (!code)
		code = unique_name(p, name ? name : default_name(s, item.root), &item.name);
	if (!code)
		s->items[s->item_count++] = item;
	return code;
}

static int parse_rest(struct probe_parser *p)
{
	int code = 0;
	if (!strncmp(probe_skip_blanks(p), "if", 2) && !isalnum((unsigned char)p->at[2]) &&
	    p->at[2] != '_') {
		p->at += 2;
		code = probe_parse_expression(p, &p->to->condition);
	}
	if (!code && probe_take(p, ":")) {
		do
			code = parse_item(p);
		while (!code && probe_take(p, ","));
	}
	if (!code && *probe_skip_blanks(p))
		code = PROBE_FAIL(p, p->at, "%s is expected here",
				  p->to->item_count ? "a comma or the end" : "'if' or ':'");
	return code;
}

static int parse(const char *text, bool only_place, struct probe_spec **ret, struct err *e)
{
	struct probe_spec *s = calloc(1, sizeof(*s));
	if (s)
		s->arena = arena_create();
	if (s && s->arena)
		s->text = arena_copy(s->arena, text, strlen(text));
	if (!s || !s->text) {
		probe_spec_destroy(s);
		return err_set(e, ENOMEM, "no memory for a probe");
	}
	s->condition = PROBE_NONE;
	struct probe_parser p = {.to = s, .at = s->text, .e = e};
	int code = parse_place(&p);
	if (!code && !only_place)
		code = parse_rest(&p);
	else if (!code && *probe_skip_blanks(&p))
		code = PROBE_FAIL(&p, p.at, "only a place is expected");
	if (code)
		probe_spec_destroy(s);
	else
		*ret = s;
	return code;
}

int probe_spec_parse(const char *text, struct probe_spec **ret, struct err *e)
{
	return parse(text, false, ret, e);
}

int probe_spec_parse_place(const char *text, struct probe_spec **ret, struct err *e)
{
	return parse(text, true, ret, e);
}

void probe_spec_destroy(struct probe_spec *s)
{
	if (!s)
		return;
	arena_destroy(s->arena);
	free(s);
}
