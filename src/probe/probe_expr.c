/* SPDX-License-Identifier: MIT */
/* Expressions: operators by their binding, as in C, then signs, then members. */
#include "probe/probe_parser.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int parse_unary(struct probe_parser *p, uint32_t *ret);
static int parse_binary(struct probe_parser *p, unsigned least, uint32_t *ret);

const char *probe_skip_blanks(struct probe_parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
	return p->at;
}

bool probe_take(struct probe_parser *p, const char *sign)
{
	size_t bytes = strlen(sign);
	if (strncmp(probe_skip_blanks(p), sign, bytes) != 0)
		return false;
	p->at += bytes;
	return true;
}

size_t probe_word_bytes(const char *at)
{
	size_t bytes = 0;
	if (isdigit((unsigned char)*at))
		return 0;
	while (isalnum((unsigned char)at[bytes]) || at[bytes] == '_')
		bytes++;
	return bytes;
}

static int add_node(struct probe_parser *p, const char *place, struct probe_node node,
		    uint32_t *ret)
{
	struct probe_spec *s = p->to;
	if (s->node_count == PROBE_NODES_MAX)
		return PROBE_FAIL(p, place, "there are more than %d parts; use fewer",
				  PROBE_NODES_MAX);
	node.column = (unsigned)(place - s->text) + 1;
	*ret = s->node_count;
	s->nodes[s->node_count++] = node;
	return 0;
}

static int copy_text(struct probe_parser *p, const char *from, size_t bytes, const char **ret)
{
	*ret = arena_copy(p->to->arena, from, bytes);
	return *ret ? 0 : err_set(p->e, ENOMEM, "no memory for a probe");
}

static int parse_number(struct probe_parser *p, uint32_t *ret)
{
	const char *start = p->at;
	char *end;
	errno = 0;
	unsigned long long value = strtoull(start, &end, 0);
	if (errno)
		return PROBE_FAIL(p, start, "the number does not fit 64 bits");
	if (isalnum((unsigned char)*end) || *end == '_' || *end == '.')
		return PROBE_FAIL(p, end, "'%c' does not belong to a number", *end);
	p->at = end;
	return add_node(p, start, (struct probe_node){.op = PROBE_NUMBER, .value = (int64_t)value},
			ret);
}

/* "text", or 'c' for a character's number; a backslash takes the next one literally. */
static int parse_quoted(struct probe_parser *p, uint32_t *ret)
{
	const char *start = p->at;
	char quote = *start, buffer[256];
	size_t bytes = 0;
	for (p->at++; *p->at != quote; p->at++) {
		if (*p->at == '\\')
			p->at++;
		if (!*p->at)
			return PROBE_FAIL(p, start, "the quote that opens here is not closed");
		if (bytes == sizeof(buffer) - 2)
			return PROBE_FAIL(p, start, "the text is longer than %zu characters",
					  sizeof(buffer) - 2);
		buffer[bytes++] = *p->at;
	}
	p->at++;
	struct probe_node node = {.op = PROBE_TEXT};
	if (quote == '"') {
		int code = copy_text(p, buffer, bytes, &node.name);
		return code ? code : add_node(p, start, node, ret);
	}
	if (bytes != 1)
		return PROBE_FAIL(p, start, "one character is expected between ' and '");
	node = (struct probe_node){.op = PROBE_NUMBER, .value = (unsigned char)buffer[0]};
	return add_node(p, start, node, ret);
}

static const char *const register_names[] = {
	"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8",
	"r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip",
};

int probe_register_number(const char *name)
{
	for (size_t i = 0; i < sizeof(register_names) / sizeof(*register_names); i++) {
		if (!strcmp(register_names[i], name))
			return (int)i;
	}
	char *end;
	if (strncmp(name, "xmm", 3) != 0 || !isdigit((unsigned char)name[3]))
		return -1;
	long number = strtol(name + 3, &end, 10);
	return *end || number > 15 ? -1 : 17 + (int)number;
}

/* $arg1, $ret, $rdi, %rdi */
static int parse_special(struct probe_parser *p, uint32_t *ret)
{
	const char *start = p->at++;
	size_t bytes = probe_word_bytes(p->at);
	char word[16] = "";
	struct probe_node node = {.op = PROBE_REGISTER};
	if (bytes < sizeof(word))
		memcpy(word, p->at, bytes);
	p->at += bytes;
	node.value = probe_register_number(word);
	if (*start == '$' && !strcmp(word, "ret"))
		node = (struct probe_node){.op = PROBE_RESULT};
	else if (*start == '$' && !strncmp(word, "arg", 3) && word[3] >= '1' && word[3] <= '6' &&
		 !word[4])
		node = (struct probe_node){.op = PROBE_ARGUMENT, .value = word[3] - '0'};
	else if (node.value < 0)
		return PROBE_FAIL(p, start,
				  "'%.*s' is none of $arg1 to $arg6, $ret and registers "
				  "such as %%rdi",
				  (int)(p->at - start), start);
	return add_node(p, start, node, ret);
}

/* "&&" is not two of these, and "~" is never one. */
static int parse_signed(struct probe_parser *p, uint32_t *ret)
{
	static const struct {
		char sign;
		enum probe_op op;
	} signs[] = {{'*', PROBE_DEREF}, {'&', PROBE_ADDRESS}, {'-', PROBE_NEGATE},
		     {'!', PROBE_NOT},   {'~', PROBE_INVERT},  {0}};
	const char *start = p->at;
	size_t i = 0;
	while (signs[i].sign && signs[i].sign != *start)
		i++;
	if (!signs[i].sign)
		return PROBE_FAIL(p, start, "a name, a number or another value is expected here");
	p->at++;
	struct probe_node node = {.op = signs[i].op};
	int code = parse_unary(p, &node.left);
	return code ? code : add_node(p, start, node, ret);
}

static int expect(struct probe_parser *p, const char *open, char close)
{
	if (*probe_skip_blanks(p) != close)
		return PROBE_FAIL(p, open, "the '%c' that opens here is not closed", *open);
	p->at++;
	return 0;
}

static int parse_closed(struct probe_parser *p, uint32_t *ret)
{
	const char *open = p->at++;
	int code = parse_binary(p, 0, ret);
	return code ? code : expect(p, open, ')');
}

static int parse_name(struct probe_parser *p, uint32_t *ret)
{
	const char *start = p->at;
	size_t bytes = probe_word_bytes(start);
	struct probe_node node = {.op = PROBE_NAME};
	while (!strncmp(start + bytes, "::", 2) && probe_word_bytes(start + bytes + 2))
		bytes += 2 + probe_word_bytes(start + bytes + 2);
	p->at += bytes;
	if (bytes == 3 && !memcmp(start, "str", 3) && *probe_skip_blanks(p) == '(') {
		node.op = PROBE_STRING;
		int code = parse_closed(p, &node.left);
		return code ? code : add_node(p, start, node, ret);
	}
	int code = copy_text(p, start, bytes, &node.name);
	return code ? code : add_node(p, start, node, ret);
}

static int parse_primary(struct probe_parser *p, uint32_t *ret)
{
	const char *at = probe_skip_blanks(p);
	if (isdigit((unsigned char)*at))
		return parse_number(p, ret);
	if (*at == '"' || *at == '\'')
		return parse_quoted(p, ret);
	if (*at == '$' || *at == '%')
		return parse_special(p, ret);
	if (*at == '(')
		return parse_closed(p, ret);
	if (probe_word_bytes(at))
		return parse_name(p, ret);
	return parse_signed(p, ret);
}

static int parse_member(struct probe_parser *p, const char *start, enum probe_op op, uint32_t *ret)
{
	struct probe_node node = {.op = op, .left = *ret};
	const char *name = probe_skip_blanks(p);
	size_t bytes = probe_word_bytes(name);
	if (!bytes)
		return PROBE_FAIL(p, name, "a member's name is expected here");
	p->at += bytes;
	int code = copy_text(p, name, bytes, &node.name);
	return code ? code : add_node(p, start, node, ret);
}

static int parse_index(struct probe_parser *p, const char *open, uint32_t *ret)
{
	struct probe_node node = {.op = PROBE_INDEX, .left = *ret};
	int code = parse_binary(p, 0, &node.right);
	if (!code)
		code = expect(p, open, ']');
	return code ? code : add_node(p, open, node, ret);
}

static int parse_postfix(struct probe_parser *p, uint32_t *ret)
{
	int code = parse_primary(p, ret);
	for (unsigned members = 0; !code; members++) {
		const char *start = probe_skip_blanks(p);
		if (members == PROBE_DEPTH_MAX)
			return PROBE_FAIL(p, start, "there are too many members in a row");
		if (probe_take(p, "->"))
			code = parse_member(p, start, PROBE_ARROW, ret);
		else if (probe_take(p, "."))
			code = parse_member(p, start, PROBE_MEMBER, ret);
		else if (probe_take(p, "["))
			code = parse_index(p, start, ret);
		else if (!strncmp(start, "@entry", 6) && !isalnum((unsigned char)start[6])) {
			p->at += 6;
			struct probe_node node = {.op = PROBE_AT_ENTRY, .left = *ret};
			code = add_node(p, start, node, ret);
		} else
			break;
	}
	return code;
}

static int parse_unary(struct probe_parser *p, uint32_t *ret)
{
	if (++p->depth > PROBE_DEPTH_MAX)
		return PROBE_FAIL(p, p->at, "this is nested too deeply");
	int code = parse_postfix(p, ret);
	p->depth--;
	return code;
}

/* The operator that comes next, how it binds, and its bytes; 0 when none comes. */
static unsigned next_operator(struct probe_parser *p, enum probe_op *op_ret, unsigned *binding_ret)
{
	static const struct {
		const char *sign;
		enum probe_op op;
		unsigned binding;
	} operators[] = {
		{"||", PROBE_OR, 1},      {"&&", PROBE_AND, 2},        {"==", PROBE_EQ, 6},
		{"!=", PROBE_NE, 6},      {"<<", PROBE_SHIFT_LEFT, 8}, {">>", PROBE_SHIFT_RIGHT, 8},
		{"<=", PROBE_LE, 7},      {">=", PROBE_GE, 7},         {"<", PROBE_LT, 7},
		{">", PROBE_GT, 7},       {"~", PROBE_MATCH, 6},       {"|", PROBE_BIT_OR, 3},
		{"^", PROBE_BIT_XOR, 4},  {"&", PROBE_BIT_AND, 5},     {"+", PROBE_ADD, 9},
		{"-", PROBE_SUBTRACT, 9}, {"*", PROBE_MULTIPLY, 10},   {"/", PROBE_DIVIDE, 10},
		{"%", PROBE_MODULO, 10},
	};
	const char *at = probe_skip_blanks(p);
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
		size_t bytes = strlen(operators[i].sign);
		if (strncmp(at, operators[i].sign, bytes) != 0)
			continue;
		*op_ret = operators[i].op;
		*binding_ret = operators[i].binding;
		return (unsigned)bytes;
	}
	return 0;
}

static int parse_binary(struct probe_parser *p, unsigned least, uint32_t *ret)
{
	enum probe_op op;
	unsigned binding, bytes;
	if (++p->depth > PROBE_DEPTH_MAX)
		return PROBE_FAIL(p, p->at, "this is nested too deeply");
	int code = parse_unary(p, ret);
	while (!code && (bytes = next_operator(p, &op, &binding)) && binding > least) {
		const char *start = p->at;
		struct probe_node node = {.op = op, .left = *ret};
		p->at += bytes;
		code = parse_binary(p, binding, &node.right);
		if (!code)
			code = add_node(p, start, node, ret);
	}
	p->depth--;
	return code;
}

int probe_parse_expression(struct probe_parser *p, uint32_t *ret)
{
	return parse_binary(p, 0, ret);
}
