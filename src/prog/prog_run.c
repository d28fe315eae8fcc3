/* SPDX-License-Identifier: MIT */
/* The reference interpreter: what a program means, said as plainly as possible. */
#include "prog/prog_site.h"

/* The bytes a text has in this record, up to its NUL. */
static size_t place_find(const struct prog_insn *place, const struct prog_input *input,
			 const uint8_t **ret)
{
	bool out = place->op == PROG_OUT_TEXT;
	const uint8_t *record = out ? input->output : input->record;
	size_t record_bytes = out ? input->output_bytes : input->record_bytes;
	size_t at = place->at, bytes = place->bytes;
	*ret = record;
	if (at > record_bytes || bytes > record_bytes - at)
		return 0;
	if (place->op == PROG_TEXT_LOC || place->op == PROG_TEXT_REL) {
		uint32_t word;
		__builtin_memcpy(&word, record + at, sizeof(word));
		at = (word & 0xffff) + (place->op == PROG_TEXT_REL ? at + sizeof(word) : 0);
		bytes = word >> 16;
		if (at > record_bytes || bytes > record_bytes - at)
			return 0;
	}
	if (bytes > PROG_TEXT_BYTES_MAX)
		bytes = PROG_TEXT_BYTES_MAX;
	*ret = record + at;
	size_t length = 0;
	while (length < bytes && record[at + length])
		length++;
	return length;
}

static uint64_t load(const struct prog_insn *in, const struct prog_input *input)
{
	uint64_t value = 0;
	if (in->at > input->record_bytes || in->bytes > input->record_bytes - in->at)
		return 0;
	for (uint32_t i = 0; i < in->bytes; i++)
		value |= (uint64_t)((const uint8_t *)input->record)[in->at + i] << (8 * i);
	return prog_extend(value, in->bytes, in->op == PROG_LOAD_S);
}

static uint64_t text_test(const struct prog *p, const struct prog_insn *in,
			  const struct prog_input *input)
{
	const uint8_t *text;
	size_t length = place_find(&p->insns[in->a], input, &text);
	const uint8_t *wanted = p->pool + in->at;
	if (in->op == PROG_TEXT_MATCH)
		return prog_glob(wanted, in->bytes, text, length);
	if (length != in->bytes)
		return 0;
	return length == 0 || __builtin_memcmp(text, wanted, length) == 0;
}

static uint64_t divide(enum prog_op op, uint64_t a, uint64_t b)
{
	bool wants_rest = op == PROG_MOD || op == PROG_MOD_S;
	if (b == 0)
		return 0;
	if (op == PROG_DIV || op == PROG_MOD)
		return wants_rest ? a % b : a / b;
	if (b == UINT64_MAX) /* by -1: the one quotient that would overflow is among these */
		return wants_rest ? 0 : 0 - a;
	return (uint64_t)(wants_rest ? (int64_t)a % (int64_t)b : (int64_t)a / (int64_t)b);
}

static uint64_t compute(enum prog_op op, uint64_t a, uint64_t b)
{
	switch (op) {
	case PROG_ADD:
		return a + b;
	case PROG_SUB:
		return a - b;
	case PROG_MUL:
		return a * b;
	case PROG_AND:
		return a & b;
	case PROG_OR:
		return a | b;
	case PROG_XOR:
		return a ^ b;
	case PROG_SHL:
		return a << (b & 63);
	case PROG_SHR:
		return a >> (b & 63);
	case PROG_SHR_S:
		return (uint64_t)((int64_t)a >> (b & 63));
	case PROG_NEG:
		return 0 - a;
	case PROG_EQ:
		return a == b;
	case PROG_NE:
		return a != b;
	case PROG_LT:
		return a < b;
	case PROG_LE:
		return a <= b;
	case PROG_LT_S:
		return (int64_t)a < (int64_t)b;
	case PROG_LE_S:
		return (int64_t)a <= (int64_t)b;
	case PROG_NOT:
		return a == 0;
	default:
		return divide(op, a, b);
	}
}

/* What only makes a number, out of numbers and the record. */
static uint64_t value_of(const struct prog *p, const struct prog_insn *in,
			 const struct prog_input *input, uint64_t a, uint64_t b)
{
	switch (in->op) {
	case PROG_CONST:
		return (uint64_t)in->value;
	case PROG_LOAD:
	case PROG_LOAD_S:
		return load(in, input);
	case PROG_TID:
		return input->tid;
	case PROG_TEXT_EQ:
	case PROG_TEXT_MATCH:
		return text_test(p, in, input);
	case PROG_EXTEND:
	case PROG_EXTEND_S:
		return prog_extend(a, in->bytes, in->op == PROG_EXTEND_S);
	default:
		return compute(in->op, a, b);
	}
}

uint64_t prog_run(const struct prog *p, const struct prog_input *input, uint64_t *values)
{
	bool fault = false;
	__builtin_memset(values, 0, p->insn_count * sizeof(*values));
	if (input->output_bytes)
		__builtin_memset(input->output, 0, input->output_bytes);
	for (uint32_t i = 0; i < p->insn_count; i++) {
		const struct prog_insn *in = &p->insns[i];
		uint64_t a = values[in->a], b = values[in->b];
		if (in->op == PROG_RESULT)
			return a;
		if (prog_is_skip(in)) {
			if ((a != 0) == (in->op == PROG_SKIP_IF))
				i = in->at - 1;
		} else if (prog_shapes[in->op].makes == PROG_PLACE) {
			continue; /* R7 */
		} else if (in->op >= PROG_REG) {
			values[i] = prog_site_run(in, a, input, &fault);
		} else {
			values[i] = value_of(p, in, input, a, b);
		}
	}
	return 0;
}
