/* SPDX-License-Identifier: MIT */
/* The text of a condition → its nodes, by recursive descent: || binds least, then &&, then !. */
#include "filter/condition_tree.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct parser {
	struct condition *to;
	const char *text;
	const char *at;
	const char *event;
	const struct condition_field *fields;
	size_t field_count;
	unsigned depth;
	struct err *e;
};

const char *const condition_signs[] = {
	[CONDITION_EQ] = "==",  [CONDITION_NE] = "!=",   [CONDITION_LE] = "<=",
	[CONDITION_LT] = "<",   [CONDITION_GE] = ">=",   [CONDITION_GT] = ">",
	[CONDITION_BITS] = "&", [CONDITION_MATCH] = "~",
};

static int parse_or(struct parser *p, uint32_t *ret);

#define FAIL(p, place, format, ...)                                                                \
	err_set((p)->e, EINVAL, "in the condition, column %d: " format,                            \
		(int)((place) - (p)->text) + 1, ##__VA_ARGS__)

static const char *skip_blanks(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
	return p->at;
}

static bool take(struct parser *p, const char *sign)
{
	size_t bytes = strlen(sign);
	if (strncmp(skip_blanks(p), sign, bytes) != 0)
		return false;
	p->at += bytes;
	return true;
}

static int add_node(struct parser *p, struct condition_node node, uint32_t *ret)
{
	if (p->to->node_count == CONDITION_NODES_MAX)
		return FAIL(p, p->at, "the condition is too long: it has more than %d parts",
			    CONDITION_NODES_MAX);
	*ret = p->to->node_count;
	p->to->nodes[p->to->node_count++] = node;
	return 0;
}

static int no_such_field(struct parser *p, const char *name, int name_bytes)
{
	struct text list = {0};
	for (size_t i = 0; i < p->field_count; i++)
		text_print(&list, "%s%s", i ? ", " : "", p->fields[i].name);
	int code = FAIL(p, name, "%s has no field %.*s; it has %s", p->event, name_bytes, name,
			list.data ? list.data : "none");
	text_deinit(&list);
	return code;
}

static const struct condition_field *find_field(const struct parser *p, const char *name,
						size_t bytes)
{
	static const struct condition_field running = {
		.name = "common_pid", .bytes = 4, .is_signed = true, .kind = CONDITION_NUMBER};
	if (bytes == strlen(running.name) && !memcmp(name, running.name, bytes))
		return &running;
	for (size_t i = 0; i < p->field_count; i++) {
		const struct condition_field *f = &p->fields[i];
		if (strlen(f->name) == bytes && !memcmp(f->name, name, bytes))
			return f;
	}
	return NULL;
}

static bool comparable(const struct condition_field *f)
{
	if (f->kind == CONDITION_NUMBER)
		return f->bytes == 1 || f->bytes == 2 || f->bytes == 4 || f->bytes == 8;
	return f->kind != CONDITION_OTHER && f->bytes > 0;
}

static int parse_field(struct parser *p, struct condition_node *node)
{
	const char *name = skip_blanks(p);
	while (isalnum((unsigned char)*p->at) || *p->at == '_')
		p->at++;
	size_t bytes = (size_t)(p->at - name);
	if (!bytes)
		return FAIL(p, name, "a field of %s is expected here", p->event);
	const struct condition_field *f = find_field(p, name, bytes);
	if (!f || bytes >= sizeof(node->name))
		return no_such_field(p, name, (int)(bytes < 64 ? bytes : 64));
	if (!comparable(f))
		return FAIL(p, name, "%s is neither a number nor a text", f->name);
	memcpy(node->name, name, bytes);
	node->field = *f;
	if (f->kind == CONDITION_TEXT && f->bytes > PROG_TEXT_BYTES_MAX)
		node->field.bytes = PROG_TEXT_BYTES_MAX;
	return 0;
}

/* A number that the field can hold, with or without its sign, extended as the field is. */
static int parse_number(struct parser *p, struct condition_node *node)
{
	const struct condition_field *f = &node->field;
	const char *start = skip_blanks(p);
	if (*start == '"' || *start == '\'')
		return FAIL(p, start, "%s is a number, not a text", node->name);
	bool negative = take(p, "-");
	const char *digits = p->at;
	int base = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') ? 16 : 10;
	const char *first = base == 16 ? digits + 2 : digits;
	if (base == 16 ? !isxdigit((unsigned char)*first) : !isdigit((unsigned char)*first))
		return FAIL(p, start, "a number to compare %s with is expected here", node->name);
	char *end;
	errno = 0;
	unsigned long long size = strtoull(first, &end, base);
	if (isalnum((unsigned char)*end) || *end == '_' || *end == '.')
		return FAIL(p, end, "'%c' does not belong to a number", *end);
	p->at = end;
	unsigned bits = 8 * f->bytes;
	unsigned long long most = negative ? 1ull << (bits - 1) : ULLONG_MAX >> (64 - bits);
	if (errno || size > most)
		return FAIL(p, start, "%.*s does not fit %s, which has %u bits", (int)(end - start),
			    start, node->name, bits);
	uint64_t value = (negative ? 0 - (uint64_t)size : (uint64_t)size) << (64 - bits);
	node->value =
		f->is_signed ? (int64_t)value >> (64 - bits) : (int64_t)(value >> (64 - bits));
	return 0;
}

/* A quoted text into the pool; a backslash takes the next character literally. */
static int parse_text(struct parser *p, struct condition_node *node)
{
	struct condition *c = p->to;
	const char *start = skip_blanks(p);
	char quote = *start;
	if (quote != '"' && quote != '\'')
		return FAIL(p, start, "%s is a text; write what to compare it with in quotes",
			    node->name);
	uint32_t most =
		node->op == CONDITION_MATCH ? PROG_PATTERN_BYTES_MAX : PROG_TEXT_BYTES_MAX - 1;
	node->pool_at = c->prog.pool_bytes;
	for (p->at++; *p->at != quote; p->at++) {
		if (*p->at == '\\')
			p->at++;
		if (!*p->at)
			return FAIL(p, start, "the text that begins here has no closing quote");
		if (node->pool_bytes == most || c->prog.pool_bytes == PROG_POOL_BYTES_MAX)
			return FAIL(p, start, "the text is too long; %u characters are possible",
				    most);
		c->pool[c->prog.pool_bytes++] = (uint8_t)*p->at;
		node->pool_bytes++;
	}
	p->at++;
	return 0;
}

static int parse_sign(struct parser *p, struct condition_node *node)
{
	const char *place = skip_blanks(p);
	for (int op = CONDITION_EQ; op <= CONDITION_MATCH; op++) {
		if (op == CONDITION_BITS && !strncmp(place, "&&", 2))
			continue;
		if (!take(p, condition_signs[op]))
			continue;
		bool number = node->field.kind == CONDITION_NUMBER;
		bool fits = op == CONDITION_EQ || op == CONDITION_NE ||
			    number == (op != CONDITION_MATCH);
		if (!fits)
			return FAIL(p, place, "%s is a %s; '%s' does not compare those", node->name,
				    number ? "number" : "text", condition_signs[op]);
		node->op = (enum condition_op)op;
		return 0;
	}
	return FAIL(p, place, "one of == != < <= > >= & ~ is expected after %s", node->name);
}

static int parse_comparison(struct parser *p, uint32_t *ret)
{
	struct condition_node node = {0};
	int code = parse_field(p, &node);
	if (!code)
		code = parse_sign(p, &node);
	if (!code)
		code = node.field.kind == CONDITION_NUMBER ? parse_number(p, &node)
							   : parse_text(p, &node);
	return code ? code : add_node(p, node, ret);
}

static int parse_closed(struct parser *p, uint32_t *ret)
{
	const char *open = p->at - 1;
	int code = parse_or(p, ret);
	if (!code && !take(p, ")"))
		code = FAIL(p, open, "the parenthesis that opens here is not closed");
	return code;
}

static int parse_unary(struct parser *p, uint32_t *ret)
{
	if (++p->depth > CONDITION_DEPTH_MAX)
		return FAIL(p, p->at, "the condition is nested too deeply");
	int code;
	if (take(p, "!")) {
		struct condition_node node = {.op = CONDITION_NOT};
		code = parse_unary(p, &node.left);
		if (!code)
			code = add_node(p, node, ret);
	} else if (take(p, "(")) {
		code = parse_closed(p, ret);
	} else {
		code = parse_comparison(p, ret);
	}
	p->depth--;
	return code;
}

static int parse_and(struct parser *p, uint32_t *ret)
{
	int code = parse_unary(p, ret);
	while (!code && take(p, "&&")) {
		struct condition_node node = {.op = CONDITION_AND, .left = *ret};
		code = parse_unary(p, &node.right);
		if (!code)
			code = add_node(p, node, ret);
	}
	return code;
}

static int parse_or(struct parser *p, uint32_t *ret)
{
	int code = parse_and(p, ret);
	while (!code && take(p, "||")) {
		struct condition_node node = {.op = CONDITION_OR, .left = *ret};
		code = parse_and(p, &node.right);
		if (!code)
			code = add_node(p, node, ret);
	}
	return code;
}

int condition_parse(struct condition *c, const char *text, const char *event,
		    const struct condition_field *fields, size_t field_count, struct err *e)
{
	struct parser p = {.to = c,
			   .text = text,
			   .at = text,
			   .event = event,
			   .fields = fields,
			   .field_count = field_count,
			   .e = e};
	uint32_t whole;
	int code = parse_or(&p, &whole);
	if (!code && *skip_blanks(&p))
		code = FAIL(&p, p.at, "&& or || is expected here");
	return code;
}
