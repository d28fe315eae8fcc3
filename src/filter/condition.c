/* SPDX-License-Identifier: MIT */
/* A condition's nodes → a probe program, or → the kernel's filter syntax. */
#include "filter/condition_tree.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static uint16_t emit(struct condition *c, struct prog_insn in)
{
	c->insns[c->prog.insn_count] = in;
	return (uint16_t)c->prog.insn_count++;
}

static uint16_t compile_text(struct condition *c, const struct condition_node *n)
{
	static const uint8_t places[] = {[CONDITION_TEXT] = PROG_TEXT,
					 [CONDITION_TEXT_LOC] = PROG_TEXT_LOC,
					 [CONDITION_TEXT_REL] = PROG_TEXT_REL};
	uint16_t place = emit(c, (struct prog_insn){.op = places[n->field.kind],
						    .at = n->field.at,
						    .bytes = n->field.bytes});
	uint8_t op = n->op == CONDITION_MATCH ? PROG_TEXT_MATCH : PROG_TEXT_EQ;
	uint16_t test = emit(
		c,
		(struct prog_insn){.op = op, .a = place, .at = n->pool_at, .bytes = n->pool_bytes});
	return n->op == CONDITION_NE ? emit(c, (struct prog_insn){.op = PROG_NOT, .a = test})
				     : test;
}

static uint16_t compile_number(struct condition *c, const struct condition_node *n)
{
	static const struct {
		uint8_t by_sign[2];
		bool turned; /* a > b is b < a */
	} ops[] = {
		[CONDITION_EQ] = {{PROG_EQ, PROG_EQ}, false},
		[CONDITION_NE] = {{PROG_NE, PROG_NE}, false},
		[CONDITION_LE] = {{PROG_LE, PROG_LE_S}, false},
		[CONDITION_LT] = {{PROG_LT, PROG_LT_S}, false},
		[CONDITION_GE] = {{PROG_LE, PROG_LE_S}, true},
		[CONDITION_GT] = {{PROG_LT, PROG_LT_S}, true},
		[CONDITION_BITS] = {{PROG_AND, PROG_AND}, false},
	};
	struct prog_insn load = {.op = n->field.is_signed ? PROG_LOAD_S : PROG_LOAD,
				 .at = n->field.at,
				 .bytes = n->field.bytes};
	if (!strcmp(n->name, "common_pid"))
		load = (struct prog_insn){.op = PROG_TID};
	uint16_t a = emit(c, load);
	uint16_t b = emit(c, (struct prog_insn){.op = PROG_CONST, .value = n->value});
	bool turned = ops[n->op].turned;
	return emit(c, (struct prog_insn){.op = ops[n->op].by_sign[n->field.is_signed],
					  .a = turned ? b : a,
					  .b = turned ? a : b});
}

static uint16_t compile_node(struct condition *c, const struct condition_node *n)
{
	if (n->op == CONDITION_NOT) {
		uint16_t a = compile_node(c, &c->nodes[n->left]);
		return emit(c, (struct prog_insn){.op = PROG_NOT, .a = a});
	}
	if (n->op != CONDITION_AND && n->op != CONDITION_OR)
		return n->field.kind == CONDITION_NUMBER ? compile_number(c, n)
							 : compile_text(c, n);
	uint16_t left = compile_node(c, &c->nodes[n->left]);
	uint8_t skip_op = n->op == CONDITION_AND ? PROG_SKIP_UNLESS : PROG_SKIP_IF;
	uint16_t skip = emit(c, (struct prog_insn){.op = skip_op, .a = left});
	uint16_t right = compile_node(c, &c->nodes[n->right]);
	c->insns[skip].at = c->prog.insn_count;
	if (n->op == CONDITION_AND)
		return right; /* 0 where it was skipped */
	return emit(c, (struct prog_insn){.op = PROG_OR, .a = left, .b = right});
}

void condition_compile(struct condition *c)
{
	uint16_t whole = compile_node(c, &c->nodes[c->node_count - 1]);
	emit(c, (struct prog_insn){.op = PROG_RESULT, .a = whole});
	c->prog.insns = c->insns;
	c->prog.pool = c->pool;
}

int condition_create(struct condition **ret, const char *text, const char *event,
		     const struct condition_field *fields, size_t field_count, struct err *e)
{
	struct condition *c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(e, ENOMEM, "no memory for a condition");
	int code = condition_parse(c, text, event, fields, field_count, e);
	if (!code) {
		condition_compile(c);
		if (!prog_check(&c->prog, NULL))
			code = err_set(e, EINVAL, "the fields of %s lie where no condition reaches",
				       event);
	}
	if (code) {
		condition_destroy(c);
		return code;
	}
	*ret = c;
	return 0;
}

void condition_destroy(struct condition *c)
{
	free(c);
}

const struct prog *condition_prog(const struct condition *c)
{
	return &c->prog;
}
