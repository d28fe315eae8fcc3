/* SPDX-License-Identifier: MIT */
#include "insn/insn_move.h"
#include "insn/insn_emit.h"

#include <errno.h>

enum {
	SHORT_JUMP = 0xeb,
	MODRM_REG = 7 << 3,
	MODRM_JUMP = 4 << 3,
};

static bool can_move(const struct insn *in)
{
	/* The emulated call pushes before it reads. */
	if (in->class == INSN_CALL_ANY && in->from_stack)
		return false;
	return in->class != INSN_TRAP && in->class != INSN_STRANGE && in->class != INSN_LANDING;
}

/* M1 */
static bool must_be_last(const struct insn *in)
{
	return in->class == INSN_CALL || in->class == INSN_CALL_ANY || in->class == INSN_SYSCALL;
}

/* M3 */
static bool branches_inside(const struct insn_run *run)
{
	uint64_t start = run->insns[0].address;
	for (unsigned i = 0; i < run->count; i++) {
		const struct insn *in = &run->insns[i];
		if (insn_has_target(in) && in->target > start && in->target < start + run->bytes)
			return true;
	}
	return false;
}

int insn_run_find(const uint8_t *code, size_t code_bytes, uint64_t address, size_t bytes_min,
		  struct insn_run *ret)
{
	struct insn_run run = {.count = 0};
	while (run.bytes < bytes_min) {
		struct insn in;
		if (!insn_decode(code + run.bytes, code_bytes - run.bytes, address + run.bytes,
				 &in))
			return -EILSEQ;
		if (run.ends) { /* M2 */
			if (!insn_is_padding(&in, code + run.bytes))
				return -ENOTSUP;
		} else {
			if (!can_move(&in) ||
			    (must_be_last(&in) && run.bytes + in.bytes < bytes_min))
				return -ENOTSUP;
			run.insns[run.count++] = in;
			run.ends = !insn_falls_through(&in);
		}
		run.bytes += in.bytes;
	}
	if (branches_inside(&run))
		return -ENOTSUP;
	*ret = run;
	return 0;
}

/* The instruction's bytes with its 32-bit field led to the same place from here. */
static void copy_relative(const struct insn *in, const uint8_t *code, struct emit *out)
{
	uint32_t distance;
	if (!insn_reaches(emit_here(out) + in->bytes, in->target, &distance))
		out->failed = true;
	unsigned after = in->relative_at + 4;
	emit_bytes(out, code, in->relative_at);
	emit_u32(out, distance);
	emit_bytes(out, code + after, in->bytes - after);
}

/* There is no long form: over a short jump if it does not go, to a long one if it does. */
static void move_loop(const struct insn *in, const uint8_t *code, struct emit *out)
{
	emit_bytes(out, code, in->relative_at);
	emit_u8(out, 2);
	emit_u8(out, SHORT_JUMP);
	emit_u8(out, INSN_JUMP_BYTES);
	insn_emit_jump(out, in->target);
}

/* The same operand, jumped through. */
static void move_call_any(const struct insn *in, const uint8_t *code, struct emit *out)
{
	uint8_t jump[INSN_BYTES_MAX];
	__builtin_memcpy(jump, code, in->bytes);
	jump[in->modrm_at] = (uint8_t)((jump[in->modrm_at] & ~MODRM_REG) | MODRM_JUMP);
	insn_emit_return(out, in->address + in->bytes);
	if (in->relative_bytes)
		copy_relative(in, jump, out);
	else
		emit_bytes(out, jump, in->bytes);
}

static void move(const struct insn *in, const uint8_t *code, struct emit *out)
{
	switch (in->class) {
	case INSN_JUMP:
		insn_emit_jump_far(out, in->target);
		break;
	case INSN_BRANCH:
		insn_emit_branch(out, code[in->relative_at - 1] & 15, in->target);
		break;
	case INSN_LOOP:
		move_loop(in, code, out);
		break;
	case INSN_CALL:
		insn_emit_return(out, in->address + in->bytes);
		insn_emit_jump_far(out, in->target);
		break;
	case INSN_CALL_ANY:
		move_call_any(in, code, out);
		break;
	default:
		if (in->relative_bytes)
			copy_relative(in, code, out);
		else
			emit_bytes(out, code, in->bytes);
	}
}

/* M1: a call goes back by itself. */
static bool copy_falls_through(const struct insn_run *run)
{
	const struct insn *last = &run->insns[run->count - 1];
	return !run->ends && last->class != INSN_CALL && last->class != INSN_CALL_ANY;
}

void insn_run_rebase(struct insn_run *run, uint64_t bias)
{
	for (unsigned i = 0; i < run->count; i++) {
		run->insns[i].address += bias;
		run->insns[i].target += bias;
	}
}

void insn_run_move_one(const struct insn_run *run, unsigned index, const uint8_t *code,
		       struct emit *out)
{
	const struct insn *in = &run->insns[index];
	move(in, code + (in->address - run->insns[0].address), out);
}

void insn_run_move_end(const struct insn_run *run, struct emit *out)
{
	if (copy_falls_through(run))
		insn_emit_jump_far(out, run->insns[0].address + run->bytes);
}

int insn_run_move(const struct insn_run *run, const uint8_t *code, struct emit *out,
		  struct insn_copy *ret)
{
	size_t start = out->bytes;
	if (out->room - start < INSN_COPY_BYTES_MAX)
		return -ENOSPC;
	for (unsigned i = 0; i < run->count; i++) {
		ret->at[i] = (uint16_t)(out->bytes - start);
		insn_run_move_one(run, i, code, out);
	}
	ret->at[run->count] = (uint16_t)(out->bytes - start);
	insn_run_move_end(run, out);
	return emit_ok(out) ? 0 : -ERANGE;
}
