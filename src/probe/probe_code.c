/* SPDX-License-Identifier: MIT */
#include "probe/probe_code.h"

#include <string.h>

enum { NEVER = UINT16_MAX }; /* an epoch nothing is used again in */

static bool is_read(const struct prog_insn *in)
{
	return in->op == PROG_READ || in->op == PROG_READ_S;
}

/* What has an effect, or another result each time. */
static bool is_pure(const struct prog_insn *in)
{
	return in->op != PROG_FAULT && in->op != PROG_PUT && in->op != PROG_PUT_TEXT &&
	       in->op != PROG_PUT_BYTES && in->op != PROG_SKIP_IF && in->op != PROG_SKIP_UNLESS &&
	       in->op != PROG_RESULT;
}

uint16_t probe_code_add(struct probe_code *c, struct prog_insn insn)
{
	for (uint32_t i = 0; is_pure(&insn) && i < c->count; i++) {
		bool is_usable = c->epoch[i] == 0 || c->epoch[i] == c->now;
		if (is_usable && !memcmp(&c->insns[i], &insn, sizeof(insn)))
			return (uint16_t)i;
	}
	if (c->count == PROG_INSNS_MAX) {
		c->is_full = true;
		return 0;
	}
	c->has_reads |= is_read(&insn) || insn.op == PROG_PUT_TEXT || insn.op == PROG_PUT_BYTES;
	if (insn.op == PROG_FAULT)
		c->has_reads = false;
	c->epoch[c->count] = is_read(&insn) ? c->now : 0;
	c->insns[c->count] = insn;
	return (uint16_t)c->count++;
}

uint16_t probe_code_const(struct probe_code *c, int64_t value)
{
	return probe_code_add(c, (struct prog_insn){.op = PROG_CONST, .value = value});
}

uint16_t probe_code_pair(struct probe_code *c, enum prog_op op, uint16_t a, uint16_t b)
{
	return probe_code_add(c, (struct prog_insn){.op = (uint8_t)op, .a = a, .b = b});
}

uint16_t probe_code_register(struct probe_code *c, unsigned number)
{
	return probe_code_add(c, (struct prog_insn){.op = PROG_REG, .at = number});
}

uint16_t probe_code_extend(struct probe_code *c, uint16_t a, unsigned bytes, bool is_signed)
{
	uint8_t op = is_signed ? PROG_EXTEND_S : PROG_EXTEND;
	if (bytes == 8)
		return a;
	return probe_code_add(c, (struct prog_insn){.op = op, .a = a, .bytes = bytes});
}

uint16_t probe_code_offset(struct probe_code *c, uint16_t address, int64_t offset)
{
	if (!offset)
		return address;
	return probe_code_pair(c, PROG_ADD, address, probe_code_const(c, offset));
}

uint16_t probe_code_load(struct probe_code *c, uint16_t address, int64_t offset, unsigned bytes,
			 bool is_signed, bool is_mapped)
{
	uint8_t op = is_mapped   ? is_signed ? PROG_PEEK_S : PROG_PEEK
		     : is_signed ? PROG_READ_S
				 : PROG_READ;
	address = probe_code_offset(c, address, offset);
	return probe_code_add(c, (struct prog_insn){.op = op, .a = address, .bytes = bytes});
}

uint32_t probe_code_text(struct probe_code *c, const char *text, size_t bytes)
{
	uint32_t at = c->pool_bytes;
	if (bytes > PROG_POOL_BYTES_MAX - at) {
		c->is_full = true;
		return 0;
	}
	memcpy(c->pool + at, text, bytes);
	c->pool_bytes += (uint32_t)bytes;
	return at;
}

uint32_t probe_code_skip(struct probe_code *c, enum prog_op op, uint16_t a)
{
	return probe_code_add(c, (struct prog_insn){.op = (uint8_t)op, .a = a});
}

void probe_code_land(struct probe_code *c, uint32_t skip)
{
	c->insns[skip].at = c->count;
	for (uint32_t i = skip; i < c->count; i++)
		c->epoch[i] = NEVER;
}
