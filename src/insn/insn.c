/* SPDX-License-Identifier: MIT */
#include "insn/insn.h"

#include <Zydis/Zydis.h>

enum {
	OPERAND_SIZE = 0x66,
	REX_W = 8,
	RSP = 4,
};

static uint32_t flags_of(const ZydisAccessedFlags *flags, bool written)
{
	if (!flags)
		return 0;
	return written ? flags->modified | flags->set_0 | flags->set_1 | flags->undefined
		       : flags->tested;
}

/* AMD and Intel disagree on what the prefix does to a near branch; VEX ones left with Knights. */
static bool branch_is_ambiguous(const ZydisDecodedInstruction *z)
{
	if (z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
		return true;
	if (z->raw.rex.W)
		return false;
	for (unsigned i = 0; i < z->raw.prefix_count; i++) {
		if (z->raw.prefixes[i].value == OPERAND_SIZE)
			return true;
	}
	return false;
}

static enum insn_class class_of_branch(const ZydisDecodedInstruction *z)
{
	bool relative = z->raw.imm[0].is_relative;
	if (z->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR || branch_is_ambiguous(z))
		return INSN_STRANGE;
	switch (z->meta.category) {
	case ZYDIS_CATEGORY_CALL:
		return relative ? INSN_CALL : INSN_CALL_ANY;
	case ZYDIS_CATEGORY_UNCOND_BR:
		return relative ? INSN_JUMP : INSN_JUMP_ANY;
	case ZYDIS_CATEGORY_RET:
		return INSN_RETURN;
	default:
		break;
	}
	if (z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (z->opcode & 0xf0) == 0x70)
		return INSN_BRANCH;
	if (z->opcode_map == ZYDIS_OPCODE_MAP_0F && (z->opcode & 0xf0) == 0x80)
		return INSN_BRANCH;
	if (z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (z->opcode & 0xfc) == 0xe0)
		return INSN_LOOP;
	return INSN_STRANGE; /* xbegin */
}

static enum insn_class class_of(const ZydisDecodedInstruction *z)
{
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_ENDBR64:
		return INSN_LANDING;
	case ZYDIS_MNEMONIC_INT3:
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_HLT:
		return INSN_TRAP;
	default:
		break;
	}
	switch (z->meta.category) {
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_COND_BR:
		return class_of_branch(z);
	case ZYDIS_CATEGORY_SYSCALL:
		return INSN_SYSCALL;
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_SYSRET:
		return INSN_STRANGE;
	case ZYDIS_CATEGORY_NOP:
	case ZYDIS_CATEGORY_WIDENOP:
		return INSN_NOP;
	default:
		return z->raw.imm[0].is_relative ? INSN_STRANGE : INSN_PLAIN;
	}
}

static void operands_of(const ZydisDecodedInstruction *z, struct insn *in)
{
	if (!(z->attributes & ZYDIS_ATTRIB_HAS_MODRM))
		return;
	in->modrm_at = z->raw.modrm.offset;
	if (z->raw.modrm.mod == 0 && z->raw.modrm.rm == 5) {
		in->relative_at = z->raw.disp.offset;
		in->relative_bytes = 4;
		in->target = in->address + in->bytes + (uint64_t)z->raw.disp.value;
		if (z->address_width != 64)
			in->class = INSN_STRANGE;
	}
	bool is_register = z->raw.modrm.mod == 3;
	in->from_stack =
		z->raw.modrm.rm == RSP && (is_register || z->raw.sib.base == RSP) && !z->raw.rex.B;
	in->in_red_zone = in->from_stack && !is_register && z->raw.disp.value < 0;
}

bool insn_decode(const uint8_t *code, size_t bytes, uint64_t address, struct insn *ret)
{
	ZydisDecoder decoder;
	ZydisDecoderContext context;
	ZydisDecodedInstruction z;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, &context, code, bytes, &z)))
		return false;
	*ret = (struct insn){
		.address = address,
		.displacement = z.raw.disp.value,
		.immediate = z.raw.imm[0].value.s,
		.flags_read = flags_of(z.cpu_flags, false),
		.flags_written = flags_of(z.cpu_flags, true),
		.bytes = z.length,
		.class = (uint8_t)class_of(&z),
		.is_lea = z.mnemonic == ZYDIS_MNEMONIC_LEA,
	};
	operands_of(&z, ret);
	if (z.raw.imm[0].is_relative) {
		ret->relative_at = z.raw.imm[0].offset;
		ret->relative_bytes = z.raw.imm[0].size / 8;
		ret->target = address + z.length + (uint64_t)z.raw.imm[0].value.s;
	}
	return true;
}

bool insn_is_padding(const struct insn *in, const uint8_t *code)
{
	return in->class == INSN_NOP || (in->class == INSN_TRAP && code[0] == 0xcc);
}

bool insn_falls_through(const struct insn *in)
{
	return in->class != INSN_JUMP && in->class != INSN_JUMP_ANY && in->class != INSN_RETURN &&
	       in->class != INSN_TRAP;
}

bool insn_has_target(const struct insn *in)
{
	return in->class == INSN_JUMP || in->class == INSN_BRANCH || in->class == INSN_LOOP ||
	       in->class == INSN_CALL;
}
