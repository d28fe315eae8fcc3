/* SPDX-License-Identifier: MIT */
/*
 * Instructions of x86-64 as bytes: the few that programs and trampolines are made of.
 *
 * All work on 64 bits but where bytes are said. Moves change no flags, so that a comparison may
 * stand before them. Memory is a base register and a distance.
 */
#ifndef CAIRN_BASE_EMIT_X86_H
#define CAIRN_BASE_EMIT_X86_H

#include "base/emit.h"

enum x86_reg {
	X86_RAX,
	X86_RCX,
	X86_RDX,
	X86_RBX,
	X86_RSP,
	X86_RBP,
	X86_RSI,
	X86_RDI,
	X86_R8,
	X86_R9,
	X86_R10,
	X86_R11,
	X86_R12,
	X86_R13,
	X86_R14,
	X86_R15,
	X86_REGS,
};

/* Those that a called function may change. */
#define X86_CALLER_SAVED                                                                           \
	(1u << X86_RAX | 1u << X86_RCX | 1u << X86_RDX | 1u << X86_RSI | 1u << X86_RDI |           \
	 1u << X86_R8 | 1u << X86_R9 | 1u << X86_R10 | 1u << X86_R11)

enum x86_alu { X86_ADD, X86_OR, X86_AND = 4, X86_SUB, X86_XOR, X86_CMP };
enum x86_shift { X86_SHL = 4, X86_SHR, X86_SAR = 7 };
enum x86_unary { X86_NEG = 3, X86_DIV = 6, X86_IDIV }; /* the divisions: rdx:rax by it */
enum x86_condition {
	X86_BELOW = 2,
	X86_NOT_BELOW,
	X86_EQUAL,
	X86_NOT_EQUAL,
	X86_NOT_ABOVE,
	X86_LESS = 12,
	X86_NOT_GREATER = 14,
};

/* The prefix that tells of 64 bits and of registers beyond the eighth. */
static inline void x86_rex(struct emit *out, bool wide, int reg, int base)
{
	emit_u8(out, 0x40u | (wide ? 8u : 0) | (reg & 8 ? 4u : 0) | (base & 8 ? 1u : 0));
}

/* An operand in memory. */
static inline void x86_at(struct emit *out, int reg, int base, int32_t distance)
{
	bool is_near = distance >= -128 && distance < 128;
	emit_u8(out, (is_near ? 0x40u : 0x80u) | (unsigned)(reg & 7) << 3 | (unsigned)(base & 7));
	if ((base & 7) == X86_RSP)
		emit_u8(out, 0x24);
	if (is_near)
		emit_u8(out, (uint8_t)distance);
	else
		emit_u32(out, (uint32_t)distance);
}

/* `opcode` with two registers, the second one in the place of memory. */
static inline void x86_pair(struct emit *out, unsigned opcode, int reg, int rm)
{
	x86_rex(out, true, reg, rm);
	emit_u8(out, opcode);
	emit_u8(out, 0xc0u | (unsigned)(reg & 7) << 3 | (unsigned)(rm & 7));
}

static inline void x86_move(struct emit *out, int to, int from)
{
	if (to != from)
		x86_pair(out, 0x89, from, to);
}

static inline void x86_const(struct emit *out, int to, uint64_t value)
{
	if (value == (uint32_t)value) {
		if (to & 8)
			x86_rex(out, false, 0, to);
		emit_u8(out, 0xb8u | (unsigned)(to & 7));
		emit_u32(out, (uint32_t)value);
	} else if ((int64_t)value == (int32_t)value) {
		x86_rex(out, true, 0, to);
		emit_u8(out, 0xc7);
		emit_u8(out, 0xc0u | (unsigned)(to & 7));
		emit_u32(out, (uint32_t)value);
	} else {
		x86_rex(out, true, 0, to);
		emit_u8(out, 0xb8u | (unsigned)(to & 7));
		emit_u64(out, value);
	}
}

/* The opcode that takes `bytes` and fills the register with 0 or with the sign. */
static inline void x86_extending(struct emit *out, unsigned bytes, bool is_signed, int reg, int rm)
{
	x86_rex(out, bytes == 8 || is_signed, reg, rm);
	if (bytes < 4)
		emit_u8(out, 0x0f);
	emit_u8(out, bytes == 8                ? 0x8bu
		     : bytes == 4 && is_signed ? 0x63u
		     : bytes == 4              ? 0x8bu
					       : (is_signed ? 0xbeu : 0xb6u) + (bytes == 2));
}

static inline void x86_load(struct emit *out, int to, int base, int32_t distance, unsigned bytes,
			    bool is_signed)
{
	x86_extending(out, bytes, is_signed, to, base);
	x86_at(out, to, base, distance);
}

static inline void x86_extend(struct emit *out, int to, int from, unsigned bytes, bool is_signed)
{
	x86_extending(out, bytes, is_signed, to, from);
	emit_u8(out, 0xc0u | (unsigned)(to & 7) << 3 | (unsigned)(from & 7));
}

/* The low bytes of a register, or of a number, into memory. */
static inline void x86_storing(struct emit *out, unsigned opcode, int reg, int base,
			       int32_t distance, unsigned bytes)
{
	if (bytes == 2)
		emit_u8(out, 0x66);
	x86_rex(out, bytes == 8, reg, base);
	emit_u8(out, opcode + (bytes > 1));
	x86_at(out, reg, base, distance);
}

static inline void x86_store(struct emit *out, int from, int base, int32_t distance, unsigned bytes)
{
	x86_storing(out, 0x88, from, base, distance, bytes);
}

/* Of 8 bytes, `value` is the low half and its sign fills the other. */
static inline void x86_store_const(struct emit *out, int32_t value, int base, int32_t distance,
				   unsigned bytes)
{
	x86_storing(out, 0xc6, 0, base, distance, bytes);
	emit_bytes(out, &value, bytes < 4 ? bytes : 4);
}

/* The low half of a vector register. */
static inline void x86_store_xmm(struct emit *out, int xmm, int base, int32_t distance)
{
	emit_u8(out, 0x66);
	x86_rex(out, false, xmm, base);
	emit_u8(out, 0x0f);
	emit_u8(out, 0xd6);
	x86_at(out, xmm, base, distance);
}

static inline void x86_move_xmm(struct emit *out, int to, int xmm)
{
	emit_u8(out, 0x66);
	x86_rex(out, true, xmm, to);
	emit_u8(out, 0x0f);
	emit_u8(out, 0x7e);
	emit_u8(out, 0xc0u | (unsigned)(xmm & 7) << 3 | (unsigned)(to & 7));
}

static inline void x86_lea(struct emit *out, int to, int base, int32_t distance)
{
	x86_rex(out, true, to, base);
	emit_u8(out, 0x8d);
	x86_at(out, to, base, distance);
}

static inline void x86_alu(struct emit *out, enum x86_alu op, int to, int from)
{
	x86_pair(out, (unsigned)op << 3 | 1, from, to);
}

static inline void x86_alu_const(struct emit *out, enum x86_alu op, int to, int32_t value)
{
	bool is_near = value >= -128 && value < 128;
	x86_pair(out, is_near ? 0x83 : 0x81, (int)op, to);
	emit_bytes(out, &value, is_near ? 1 : 4);
}

static inline void x86_test(struct emit *out, int a)
{
	x86_pair(out, 0x85, a, a);
}

static inline void x86_multiply(struct emit *out, int to, int from)
{
	x86_rex(out, true, to, from);
	emit_u8(out, 0x0f);
	emit_u8(out, 0xaf);
	emit_u8(out, 0xc0u | (unsigned)(to & 7) << 3 | (unsigned)(from & 7));
}

/* By `bits`, or by cl. */
static inline void x86_shift_const(struct emit *out, enum x86_shift op, int to, unsigned bits)
{
	x86_pair(out, 0xc1, (int)op, to);
	emit_u8(out, bits);
}

static inline void x86_shift(struct emit *out, enum x86_shift op, int to)
{
	x86_pair(out, 0xd3, (int)op, to);
}

static inline void x86_unary(struct emit *out, enum x86_unary op, int reg)
{
	x86_pair(out, 0xf7, (int)op, reg);
}

/* rdx:rax = rax, by its sign. */
static inline void x86_sign_rax(struct emit *out)
{
	emit_u8(out, 0x48);
	emit_u8(out, 0x99);
}

/* 1 or 0; changes no flags. */
static inline void x86_set(struct emit *out, enum x86_condition condition, int to)
{
	x86_rex(out, false, 0, to);
	emit_u8(out, 0x0f);
	emit_u8(out, 0x90u | (unsigned)condition);
	emit_u8(out, 0xc0u | (unsigned)(to & 7));
	x86_extend(out, to, to, 1, false);
}

/* An operand at a distance from the thread pointer. */
static inline void x86_thread(struct emit *out, bool wide, unsigned opcode, int reg,
			      int32_t distance)
{
	emit_u8(out, 0x64);
	x86_rex(out, wide, reg, 0);
	emit_u8(out, opcode);
	emit_u8(out, 0x04u | (unsigned)(reg & 7) << 3);
	emit_u8(out, 0x25);
	emit_u32(out, (uint32_t)distance);
}

/* 4 bytes, zero-extended. */
static inline void x86_load_thread(struct emit *out, int to, int32_t distance)
{
	x86_thread(out, false, 0x8b, to, distance);
}

static inline void x86_store_thread(struct emit *out, int from, int32_t distance)
{
	x86_thread(out, true, 0x89, from, distance);
}

static inline void x86_clear_thread(struct emit *out, int32_t distance)
{
	x86_thread(out, true, 0xc7, 0, distance);
	emit_u32(out, 0);
}

/* The address of a place in this code, which x86_land() fills in as it does for jumps. */
static inline size_t x86_lea_ahead(struct emit *out, int to)
{
	x86_rex(out, true, to, 0);
	emit_u8(out, 0x8d);
	emit_u8(out, 0x05u | (unsigned)(to & 7) << 3);
	emit_u32(out, 0);
	return out->bytes;
}

/* One more; locked, also when other cpus do the same at once. */
static inline void x86_count(struct emit *out, bool locked, int base, int32_t distance)
{
	if (locked)
		emit_u8(out, 0xf0);
	x86_rex(out, true, 0, base);
	emit_u8(out, 0xff);
	x86_at(out, 0, base, distance);
}

/* Calls any address; rax is lost. The length is always the same. */
static inline void x86_call(struct emit *out, uint64_t address)
{
	static const uint8_t call_rax[] = {0xff, 0xd0};
	x86_rex(out, true, 0, X86_RAX);
	emit_u8(out, 0xb8);
	emit_u64(out, address);
	emit_bytes(out, call_rax, sizeof(call_rax));
}

/* Forward jumps: where the distance is that x86_land() fills in. */
static inline size_t x86_jump(struct emit *out)
{
	emit_u8(out, 0xe9);
	emit_u32(out, 0);
	return out->bytes;
}

static inline size_t x86_branch(struct emit *out, enum x86_condition condition)
{
	emit_u8(out, 0x0f);
	emit_u8(out, 0x80u | (unsigned)condition);
	emit_u32(out, 0);
	return out->bytes;
}

/* What ended at `from` leads here. */
static inline void x86_land(struct emit *out, size_t from)
{
	uint32_t distance = (uint32_t)(out->bytes - from);
	if (!out->failed)
		__builtin_memcpy(out->code + from - sizeof(distance), &distance, sizeof(distance));
}

#endif
