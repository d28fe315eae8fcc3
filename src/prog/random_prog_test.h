/* SPDX-License-Identifier: MIT */
/* Random programs that pass the checker, for the tests of back ends. */
#ifndef CAIRN_PROG_RANDOM_PROG_TEST_H
#define CAIRN_PROG_RANDOM_PROG_TEST_H

#include "prog/prog.h"

enum {
	RANDOM_LOCATION = 16, /* two words in a record that say where a text lies */
	RANDOM_OUTPUT_BYTES = 64,
	RANDOM_INSNS_MAX = 80,
};

static uint64_t random_seed = 0x9e3779b97f4a7c15;

static inline uint32_t pick(uint32_t below)
{
	random_seed ^= random_seed << 13;
	random_seed ^= random_seed >> 7;
	random_seed ^= random_seed << 17;
	return (uint32_t)((random_seed >> 20) % below);
}

struct random_prog {
	struct prog_insn insns[RANDOM_INSNS_MAX];
	uint32_t count;
	uint16_t numbers[RANDOM_INSNS_MAX], places[RANDOM_INSNS_MAX];
	uint32_t number_count, place_count;
	uint8_t pool[64];
	bool at_site; /* on a place of code instead of a record: the first value is an address */
};

static inline void random_add(struct random_prog *r, struct prog_insn in)
{
	uint8_t makes = prog_shapes[in.op].makes;
	/* Times differ from run to run: what makes use of them is added by hand. */
	if (makes == PROG_NUMBER && in.op != PROG_LEAVE)
		r->numbers[r->number_count++] = (uint16_t)r->count;
	if (makes == PROG_PLACE)
		r->places[r->place_count++] = (uint16_t)r->count;
	r->insns[r->count++] = in;
}

static inline uint16_t random_number(const struct random_prog *r)
{
	return r->numbers[pick(r->number_count)];
}

static inline void random_add_place(struct random_prog *r)
{
	uint8_t op = r->at_site ? PROG_OUT_TEXT : (uint8_t)(PROG_TEXT + pick(3));
	struct prog_insn in = {.op = op, .bytes = 4};
	if (op == PROG_TEXT || op == PROG_OUT_TEXT) {
		in.bytes = 1 + pick(24);
		in.at = op == PROG_TEXT ? 32 + pick(16) : pick(RANDOM_OUTPUT_BYTES - 24);
	} else {
		in.at = RANDOM_LOCATION + 4 * (op == PROG_TEXT_REL);
	}
	random_add(r, in);
}

/* What an operation of a place of code says beside its operands; cells are 0 to 2, by kind. */
static inline void random_site_immediate(const struct random_prog *r, struct prog_insn *in)
{
	switch (in->op) {
	case PROG_REG:
		in->at = pick(PROG_REGS);
		break;
	case PROG_PEEK:
	case PROG_PEEK_S:
		in->a = 0;
		in->bytes = 1u << pick(4);
		break;
	case PROG_EXTEND:
	case PROG_EXTEND_S:
	case PROG_READ:
	case PROG_READ_S:
		in->a = pick(3) ? in->a : 0;
		in->bytes = 1u << pick(4);
		break;
	case PROG_PUT:
		in->bytes = 1u << pick(4);
		in->at = pick(2) ? in->bytes * pick(8) : pick(RANDOM_OUTPUT_BYTES - 8);
		break;
	case PROG_PUT_TEXT:
	case PROG_PUT_BYTES:
		in->a = pick(4) ? (uint16_t)pick(2) : in->a;
		in->bytes = 1 + pick(20);
		in->at = pick(RANDOM_OUTPUT_BYTES - 20);
		break;
	case PROG_COUNT:
	case PROG_HIST:
		in->at = in->op == PROG_HIST;
		in->a = pick(2) ? in->a : r->numbers[0];
		break;
	case PROG_ENTER:
	case PROG_LEAVE:
		in->at = 2;
		break;
	default:
		break;
	}
}

static inline bool random_may(const struct random_prog *r, uint8_t op)
{
	bool of_record = op == PROG_LOAD || op == PROG_LOAD_S || op == PROG_TEXT ||
			 op == PROG_TEXT_LOC || op == PROG_TEXT_REL;
	return op != PROG_RESULT && (r->at_site ? !of_record : op < PROG_RESULT);
}

/* Skips only lead a little ahead; random_end() keeps the last ones inside. */
static inline void random_add_any(struct random_prog *r)
{
	static const int64_t consts[] = {0, 1, -1, 100, 0x7fffffff, INT64_MIN, 0x123456789abc, 63};
	uint8_t op = (uint8_t)pick(PROG_OPS);
	while (!random_may(r, op))
		op = (uint8_t)pick(PROG_OPS);
	struct prog_insn in = {.op = op};
	const struct prog_shape *shape = &prog_shapes[op];
	if (shape->makes == PROG_PLACE) {
		random_add_place(r);
		return;
	}
	if (shape->a == PROG_NUMBER)
		in.a = random_number(r);
	if (shape->b == PROG_NUMBER)
		in.b = random_number(r);
	if (op == PROG_CONST) {
		in.value = consts[pick(8)];
	} else if (op == PROG_LOAD || op == PROG_LOAD_S) {
		in.bytes = 1u << pick(4);
		in.at = pick(2) ? in.bytes * pick(8) : pick(60);
	} else if (shape->a == PROG_PLACE) {
		in.a = r->places[pick(r->place_count)];
		in.bytes = pick(op == PROG_TEXT_EQ ? 10 : 7);
		in.at = pick(sizeof(r->pool) - in.bytes);
	} else if (prog_is_skip(&in)) {
		in.at = r->count + 1 + pick(6);
	} else {
		random_site_immediate(r, &in);
	}
	random_add(r, in);
	if (op == PROG_LEAVE)
		random_add(r, (struct prog_insn){
				      .op = PROG_NE, .a = (uint16_t)(r->count - 1), .b = 1});
}

/* The result's upper half counts as well: the kernel's test gives 32 bits. */
static inline void random_end(struct random_prog *r)
{
	uint16_t last = random_number(r), high = (uint16_t)(r->count + 1);
	random_add(r, (struct prog_insn){.op = PROG_CONST, .value = 32});
	random_add(r, (struct prog_insn){.op = PROG_SHR, .a = last, .b = (uint16_t)(high - 1)});
	random_add(r, (struct prog_insn){.op = PROG_XOR, .a = last, .b = high});
	random_add(r, (struct prog_insn){.op = PROG_RESULT, .a = (uint16_t)(r->count - 1)});
	for (uint32_t i = 0; i < r->count; i++) {
		struct prog_insn *in = &r->insns[i];
		if (prog_is_skip(in) && in->at >= r->count)
			in->at = r->count - 1;
	}
}

/* At a place of code, register 3 holds an address of memory, which is the first value. */
static inline struct prog random_prog_make(struct random_prog *r, bool at_site)
{
	*r = (struct random_prog){.at_site = at_site};
	for (size_t i = 0; i < sizeof(r->pool); i++)
		r->pool[i] = (uint8_t) "aab*?"[pick(5)];
	if (at_site) {
		random_add(r, (struct prog_insn){.op = PROG_REG, .at = 3});
		random_add(r, (struct prog_insn){.op = PROG_CONST});
	} else {
		random_add(r, (struct prog_insn){.op = PROG_LOAD, .bytes = 8});
	}
	random_add_place(r);
	for (uint32_t i = pick(40); i > 0; i--)
		random_add_any(r);
	random_end(r);
	return (struct prog){.insns = r->insns,
			     .insn_count = r->count,
			     .pool = r->pool,
			     .pool_bytes = sizeof(r->pool)};
}

#endif
