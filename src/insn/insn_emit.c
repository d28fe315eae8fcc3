/* SPDX-License-Identifier: MIT */
#include "insn/insn_emit.h"

bool insn_reaches(uint64_t from, uint64_t target, uint32_t *ret)
{
	int64_t distance = (int64_t)(target - from);
	*ret = (uint32_t)distance;
	return distance == (int32_t)distance;
}

static void emit_relative(struct emit *out, uint64_t target)
{
	uint32_t distance;
	if (!insn_reaches(emit_here(out) + sizeof(distance), target, &distance))
		out->failed = true;
	emit_u32(out, distance);
}

void insn_emit_jump(struct emit *out, uint64_t target)
{
	emit_u8(out, 0xe9);
	emit_relative(out, target);
}

void insn_emit_branch(struct emit *out, unsigned condition, uint64_t target)
{
	emit_u8(out, 0x0f);
	emit_u8(out, 0x80 + condition);
	emit_relative(out, target);
}

void insn_emit_jump_far(struct emit *out, uint64_t target)
{
	uint32_t distance;
	if (insn_reaches(emit_here(out) + INSN_JUMP_BYTES, target, &distance)) {
		insn_emit_jump(out, target);
		return;
	}
	static const uint8_t through_next_word[] = {0xff, 0x25, 0, 0, 0, 0};
	emit_bytes(out, through_next_word, sizeof(through_next_word));
	emit_u64(out, target);
}

/* push extends the sign of the low half, and the high half is stored over it. */
void insn_emit_return(struct emit *out, uint64_t address)
{
	static const uint8_t store_high_half[] = {0xc7, 0x44, 0x24, 4};
	emit_u8(out, 0x68);
	emit_u32(out, (uint32_t)address);
	emit_bytes(out, store_high_half, sizeof(store_high_half));
	emit_u32(out, (uint32_t)(address >> 32));
}

void insn_emit_trap(struct emit *out)
{
	emit_u8(out, 0xcc);
}

void insn_emit_nops(struct emit *out, size_t bytes)
{
	static const uint8_t nops[][8] = {
		{0x90},
		{0x66, 0x90},
		{0x0f, 0x1f, 0x00},
		{0x0f, 0x1f, 0x40, 0x00},
		{0x0f, 0x1f, 0x44, 0x00, 0x00},
		{0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
		{0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
		{0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
	};
	while (bytes && !out->failed) {
		size_t length = bytes < sizeof(nops[0]) ? bytes : sizeof(nops[0]);
		emit_bytes(out, nops[length - 1], length);
		bytes -= length;
	}
}
