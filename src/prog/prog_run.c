/* SPDX-License-Identifier: MIT */
/* The reference interpreter: what a program means, said as plainly as possible. */
#include "prog/prog.h"

/* The bytes a text has in this record, up to its NUL. */
static size_t place_find(const struct prog_insn *place, const struct prog_input *input,
			 const uint8_t **ret)
{
	const uint8_t *record = input->record;
	size_t at = place->at, bytes = place->bytes;
	*ret = record;
	if (at > input->record_bytes || bytes > input->record_bytes - at)
		return 0;
	if (place->op != PROG_TEXT) {
		uint32_t word;
		__builtin_memcpy(&word, record + at, sizeof(word));
		at = (word & 0xffff) + (place->op == PROG_TEXT_REL ? at + sizeof(word) : 0);
		bytes = word >> 16;
		if (at > input->record_bytes || bytes > input->record_bytes - at)
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

bool prog_glob(const uint8_t *pattern, size_t pattern_bytes, const uint8_t *text, size_t text_bytes)
{
	size_t p = 0, t = 0;
	size_t star = pattern_bytes, resume = 0; /* the last '*', and the text it gives back to */
	while (t < text_bytes) {
		if (p < pattern_bytes && pattern[p] == '*') {
			star = p++;
			resume = t;
		} else if (p < pattern_bytes && (pattern[p] == '?' || pattern[p] == text[t])) {
			p++;
			t++;
		} else if (star < pattern_bytes) {
			p = star + 1;
			t = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern_bytes && pattern[p] == '*')
		p++;
	return p == pattern_bytes;
}

static uint64_t load(const struct prog_insn *in, const struct prog_input *input)
{
	uint64_t value = 0;
	if (in->at > input->record_bytes || in->bytes > input->record_bytes - in->at)
		return 0;
	for (uint32_t i = 0; i < in->bytes; i++)
		value |= (uint64_t)((const uint8_t *)input->record)[in->at + i] << (8 * i);
	unsigned unused_bits = 64 - 8 * in->bytes;
	if (in->op == PROG_LOAD_S)
		value = (uint64_t)((int64_t)(value << unused_bits) >> unused_bits);
	return value;
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
	default: /* PROG_NOT */
		return a == 0;
	}
}

uint64_t prog_run(const struct prog *p, const struct prog_input *input, uint64_t *values)
{
	__builtin_memset(values, 0, p->insn_count * sizeof(*values));
	for (uint32_t i = 0; i < p->insn_count; i++) {
		const struct prog_insn *in = &p->insns[i];
		uint64_t a = values[in->a], b = values[in->b];
		switch (in->op) {
		case PROG_CONST:
			values[i] = (uint64_t)in->value;
			break;
		case PROG_LOAD:
		case PROG_LOAD_S:
			values[i] = load(in, input);
			break;
		case PROG_TID:
			values[i] = input->tid;
			break;
		case PROG_TEXT:
		case PROG_TEXT_LOC:
		case PROG_TEXT_REL:
			break;
		case PROG_TEXT_EQ:
		case PROG_TEXT_MATCH:
			values[i] = text_test(p, in, input);
			break;
		case PROG_SKIP_IF:
		case PROG_SKIP_UNLESS:
			if ((a != 0) == (in->op == PROG_SKIP_IF))
				i = in->at - 1;
			break;
		case PROG_RESULT:
			return a;
		default:
			values[i] = compute(in->op, a, b);
		}
	}
	return 0;
}
