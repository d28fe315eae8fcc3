/* SPDX-License-Identifier: MIT */
#include "probe/probe_compile.h"

#include <string.h>

static int compile_number(struct probe_compiler *c, uint32_t node, struct probe_operand *ret)
{
	int code = probe_compile(c, node, ret);
	return code ? code : probe_operand_load(c, ret);
}

static bool is_missing(const struct probe_operand *o)
{
	return o->form == PROBE_FORM_MISSING;
}

/* V3: pointers and what has 64 bits and no sign. */
static bool is_unsigned(const struct probe_operand *o)
{
	return o->type.kind == DWARF_POINTER || (o->type.bytes == 8 && !o->type.is_signed);
}

static int refuse_real(struct probe_compiler *c, const struct probe_operand *o)
{
	if (o->type.kind != DWARF_REAL)
		return 0;
	return PROBE_VALUE_FAIL(c, "floating point is shown, but not computed with or compared");
}

int probe_compile_truth(struct probe_compiler *c, uint32_t node, struct probe_operand *ret)
{
	int code = compile_number(c, node, ret);
	if (!code)
		code = refuse_real(c, ret);
	if (code || is_missing(ret))
		return code;
	uint16_t zero = probe_code_const(&c->to->code, 0);
	uint16_t truth = probe_code_pair(&c->to->code, PROG_NE, ret->value, zero);
	probe_operand_number(ret, truth, 4, true);
	return 0;
}

/* && and ||: the right side may be skipped, so only what is computed behind it may count. */
static int compile_logic(struct probe_compiler *c, const struct probe_node *n,
			 struct probe_operand *ret)
{
	struct probe_code *code = &c->to->code;
	bool is_and = n->op == PROBE_AND;
	struct probe_operand right;
	int status = probe_compile_truth(c, n->left, ret);
	if (status || is_missing(ret))
		return status;
	uint32_t skip = probe_code_skip(code, is_and ? PROG_SKIP_UNLESS : PROG_SKIP_IF, ret->value);
	status = probe_compile_truth(c, n->right, &right);
	probe_code_land(code, skip);
	if (status || is_missing(&right)) {
		*ret = right;
		return status;
	}
	uint16_t both = probe_code_pair(code, is_and ? PROG_AND : PROG_OR, ret->value, right.value);
	probe_operand_number(ret, both, 4, true);
	return 0;
}

/* A label of an enumeration means a number only beside a value of that type. */
static int compile_beside(struct probe_compiler *c, uint32_t node,
			  const struct probe_operand *other, struct probe_operand *ret)
{
	const struct probe_node *n = &c->spec->nodes[node];
	int64_t value;
	if (n->op != PROBE_NAME || !dwarf_type_label(&other->type, n->name, &value))
		return probe_compile(c, node, ret);
	probe_operand_number(ret, probe_code_const(&c->to->code, value), 8, true);
	return 0;
}

static int compile_sides(struct probe_compiler *c, const struct probe_node *n,
			 struct probe_operand *left, struct probe_operand *right)
{
	const struct probe_node *first = &c->spec->nodes[n->left];
	bool may_be_label = first->op == PROBE_NAME && c->spec->nodes[n->right].op != PROBE_NAME;
	struct dwarf_variables *names = &c->variables;
	if (may_be_label && c->file->dwarf && !dwarf_variables_find(names, first->name)) {
		int code = probe_compile(c, n->right, right);
		return code ? code : compile_beside(c, n->left, right, left);
	}
	int code = probe_compile(c, n->left, left);
	return code ? code : compile_beside(c, n->right, left, right);
}

/* The text is copied behind the record, as far as it needs to be seen, and looked at there. */
static int compile_text_test(struct probe_compiler *c, const struct probe_node *n,
			     struct probe_operand *text, const char *literal,
			     struct probe_operand *ret)
{
	struct probe_code *code = &c->to->code;
	size_t length = strlen(literal);
	bool is_match = n->op == PROBE_MATCH;
	if (is_match && length > PROG_PATTERN_BYTES_MAX)
		return PROBE_VALUE_FAIL(c, "a pattern has at most %d characters",
					PROG_PATTERN_BYTES_MAX);
	if (length > PROG_TEXT_BYTES_MAX - 2)
		return PROBE_VALUE_FAIL(c, "a text has at most %d characters",
					PROG_TEXT_BYTES_MAX - 2);
	uint32_t bytes = is_match ? PROG_TEXT_BYTES_MAX : (uint32_t)length + 2, at;
	int status = probe_put_text(c, text, bytes, &at);
	if (status || is_missing(text)) {
		*ret = *text;
		return status;
	}
	uint16_t place = probe_code_add(
		code, (struct prog_insn){.op = PROG_OUT_TEXT, .at = at, .bytes = bytes});
	struct prog_insn test = {
		.op = is_match ? PROG_TEXT_MATCH : PROG_TEXT_EQ,
		.a = place,
		.at = probe_code_text(code, literal, length),
		.bytes = (uint32_t)length,
	};
	uint16_t result = probe_code_add(code, test);
	if (n->op == PROBE_NE)
		result = probe_code_pair(code, PROG_NOT, result, 0);
	probe_operand_number(ret, result, 4, true);
	return 0;
}

static int compile_comparison(struct probe_compiler *c, const struct probe_node *n,
			      struct probe_operand *left, struct probe_operand *right,
			      struct probe_operand *ret)
{
	bool is_swapped = n->op == PROBE_GT || n->op == PROBE_GE;
	bool is_signed = !is_unsigned(left) && !is_unsigned(right);
	enum prog_op op = n->op == PROBE_EQ                        ? PROG_EQ
			  : n->op == PROBE_NE                      ? PROG_NE
			  : n->op == PROBE_LT || n->op == PROBE_GT ? is_signed ? PROG_LT_S : PROG_LT
			  : is_signed                              ? PROG_LE_S
								   : PROG_LE;
	uint16_t result = probe_code_pair(&c->to->code, op, is_swapped ? right->value : left->value,
					  is_swapped ? left->value : right->value);
	probe_operand_number(ret, result, 4, true);
	return 0;
}

static bool is_comparison(enum probe_op op)
{
	return op >= PROBE_LT && op <= PROBE_MATCH;
}

/* Pointers count in what they point to. */
static int scale_pointer(struct probe_compiler *c, const struct probe_operand *pointer,
			 struct probe_operand *number)
{
	struct dwarf_type target;
	struct probe_code *code = &c->to->code;
	if (pointer->type.kind != DWARF_POINTER || number->type.kind == DWARF_POINTER ||
	    !pointer->type.die.addr ||
	    !dwarf_type_target(c->file->dwarf, &pointer->type, &target) || target.bytes < 2)
		return 0;
	number->value = probe_code_pair(code, PROG_MUL, number->value,
					probe_code_const(code, (int64_t)target.bytes));
	return 0;
}

static int compile_arithmetic(struct probe_compiler *c, const struct probe_node *n,
			      struct probe_operand *left, struct probe_operand *right,
			      struct probe_operand *ret)
{
	static const uint8_t ops[][2] = {
		[PROBE_MULTIPLY] = {PROG_MUL, PROG_MUL},
		[PROBE_DIVIDE] = {PROG_DIV_S, PROG_DIV},
		[PROBE_MODULO] = {PROG_MOD_S, PROG_MOD},
		[PROBE_ADD] = {PROG_ADD, PROG_ADD},
		[PROBE_SUBTRACT] = {PROG_SUB, PROG_SUB},
		[PROBE_SHIFT_LEFT] = {PROG_SHL, PROG_SHL},
		[PROBE_SHIFT_RIGHT] = {PROG_SHR_S, PROG_SHR},
		[PROBE_BIT_AND] = {PROG_AND, PROG_AND},
		[PROBE_BIT_XOR] = {PROG_XOR, PROG_XOR},
		[PROBE_BIT_OR] = {PROG_OR, PROG_OR},
	};
	bool is_shift = n->op == PROBE_SHIFT_LEFT || n->op == PROBE_SHIFT_RIGHT;
	bool unsign = is_unsigned(left) || (!is_shift && is_unsigned(right));
	bool adds = n->op == PROBE_ADD || n->op == PROBE_SUBTRACT;
	struct dwarf_type type = left->type;
	bool stays_pointer = adds && left->type.kind == DWARF_POINTER && left->type.die.addr &&
			     right->type.kind != DWARF_POINTER;
	if (adds)
		scale_pointer(c, left, right);
	uint16_t result = probe_code_pair(&c->to->code, (enum prog_op)ops[n->op][unsign],
					  left->value, right->value);
	probe_operand_number(ret, result, 8, !unsign);
	if (stays_pointer)
		ret->type = type;
	return 0;
}

static int compile_pair(struct probe_compiler *c, const struct probe_node *n,
			struct probe_operand *ret)
{
	struct probe_operand left, right;
	int code = compile_sides(c, n, &left, &right);
	c->node = n;
	if (code)
		return code;
	if (is_comparison(n->op) && right.form == PROBE_FORM_LITERAL)
		return compile_text_test(c, n, &left, right.text, ret);
	if (is_comparison(n->op) && left.form == PROBE_FORM_LITERAL)
		return compile_text_test(c, n, &right, left.text, ret);
	if (n->op == PROBE_MATCH)
		return PROBE_VALUE_FAIL(c, "a pattern in quotes is expected beside ~");
	code = probe_operand_load(c, &left);
	if (!code)
		code = probe_operand_load(c, &right);
	if (!code)
		code = refuse_real(c, &left);
	if (!code)
		code = refuse_real(c, &right);
	if (code)
		return code;
	if (is_missing(&left) || is_missing(&right)) {
		*ret = is_missing(&left) ? left : right;
		return 0;
	}
	return is_comparison(n->op) ? compile_comparison(c, n, &left, &right, ret)
				    : compile_arithmetic(c, n, &left, &right, ret);
}

static int compile_sign(struct probe_compiler *c, const struct probe_node *n,
			struct probe_operand *ret)
{
	struct probe_code *code = &c->to->code;
	int status = n->op == PROBE_NOT ? probe_compile_truth(c, n->left, ret)
					: compile_number(c, n->left, ret);
	c->node = n;
	if (!status)
		status = refuse_real(c, ret);
	if (status || is_missing(ret))
		return status;
	uint16_t result = 0;
	if (n->op == PROBE_NOT)
		result = probe_code_pair(code, PROG_NOT, ret->value, 0);
	else if (n->op == PROBE_NEGATE)
		result = probe_code_pair(code, PROG_NEG, ret->value, 0);
	else
		result = probe_code_pair(code, PROG_XOR, ret->value, probe_code_const(code, -1));
	probe_operand_number(ret, result, n->op == PROBE_NOT ? 4 : 8, true);
	return 0;
}

static int compile_string(struct probe_compiler *c, const struct probe_node *n,
			  struct probe_operand *ret)
{
	int code = probe_compile(c, n->left, ret);
	c->node = n;
	if (!code && ret->type.kind != DWARF_ARRAY)
		code = probe_operand_load(c, ret);
	ret->is_string = true;
	return code;
}

static int compile_index(struct probe_compiler *c, const struct probe_node *n,
			 struct probe_operand *ret)
{
	struct probe_operand index;
	int code = probe_compile(c, n->left, ret);
	if (!code)
		code = compile_number(c, n->right, &index);
	c->node = n;
	if (!code)
		code = refuse_real(c, &index);
	if (!code && is_missing(&index) && !is_missing(ret))
		probe_operand_miss(ret, index.text);
	return code ? code : probe_operand_index(c, ret, &index);
}

static int compile_at_entry(struct probe_compiler *c, const struct probe_node *n,
			    struct probe_operand *ret)
{
	int code = probe_compile(c, n->left, ret);
	if (!code && !c->place->is_start)
		probe_operand_miss(ret, "what it was when the function was entered is not kept");
	return code;
}

static int compile_leaf(struct probe_compiler *c, const struct probe_node *n,
			struct probe_operand *ret)
{
	switch (n->op) {
	case PROBE_NUMBER:
		probe_operand_number(ret, probe_code_const(&c->to->code, n->value), 8, true);
		return 0;
	case PROBE_TEXT:
		*ret = (struct probe_operand){.form = PROBE_FORM_LITERAL, .text = n->name};
		return 0;
	case PROBE_NAME:
		return probe_operand_find(c, n->name, ret);
	case PROBE_ARGUMENT:
		probe_operand_argument(c, (unsigned)n->value, ret);
		return 0;
	case PROBE_RESULT:
		return probe_operand_result(c, ret);
	default: /* PROBE_REGISTER */
		probe_operand_number(ret, probe_code_register(&c->to->code, (unsigned)n->value), 8,
				     false);
		ret->type.kind = DWARF_POINTER;
		return 0;
	}
}

int probe_compile(struct probe_compiler *c, uint32_t node, struct probe_operand *ret)
{
	const struct probe_node *n = &c->spec->nodes[node];
	int code;
	c->node = n;
	switch (n->op) {
	case PROBE_AT_ENTRY:
		return compile_at_entry(c, n, ret);
	case PROBE_STRING:
		return compile_string(c, n, ret);
	case PROBE_INDEX:
		return compile_index(c, n, ret);
	case PROBE_MEMBER:
	case PROBE_ARROW:
	case PROBE_DEREF:
	case PROBE_ADDRESS:
		code = probe_compile(c, n->left, ret);
		c->node = n;
		if (code)
			return code;
		return n->op == PROBE_DEREF     ? probe_operand_deref(c, ret)
		       : n->op == PROBE_ADDRESS ? probe_operand_address(c, ret)
						: probe_operand_member(c, n->name, ret);
	case PROBE_NEGATE:
	case PROBE_INVERT:
	case PROBE_NOT:
		return compile_sign(c, n, ret);
	case PROBE_AND:
	case PROBE_OR:
		return compile_logic(c, n, ret);
	default:
		return n->op < PROBE_AT_ENTRY ? compile_leaf(c, n, ret) : compile_pair(c, n, ret);
	}
}
