/* SPDX-License-Identifier: MIT */
/*
 * One instruction of x86-64: how long it is, where it goes on, and what of it depends on the
 * place it stands at. Zydis decodes; this keeps what patching code asks.
 */
#ifndef CAIRN_INSN_INSN_H
#define CAIRN_INSN_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum insn_class {
	INSN_PLAIN,
	INSN_NOP,
	INSN_LANDING,  /* endbr64: stays where it is, for indirect branches to find */
	INSN_JUMP,     /* to target, always */
	INSN_BRANCH,   /* to target, on a condition of the flags */
	INSN_LOOP,     /* to target, by rcx; short form only */
	INSN_CALL,     /* target */
	INSN_JUMP_ANY, /* to where a register or memory says */
	INSN_CALL_ANY,
	INSN_RETURN,
	INSN_SYSCALL,
	INSN_TRAP,    /* int3, ud2, hlt */
	INSN_STRANGE, /* relative in a way nobody here can move, far, or an interrupt */
};

enum { INSN_BYTES_MAX = 15 };

struct insn {
	uint64_t address;
	uint64_t target; /* of a relative branch, or what a rip-relative operand names */
	int64_t displacement, immediate;    /* 0 where there is none */
	uint32_t flags_read, flags_written; /* bits of rflags */
	uint8_t bytes;
	uint8_t class;          /* enum insn_class */
	uint8_t relative_at;    /* the relative field; 0: there is none */
	uint8_t relative_bytes; /* 1 or 4 */
	uint8_t modrm_at;       /* 0: there is none */
	bool from_stack;        /* an operand is rsp, or addressed from it */
	bool in_red_zone;       /* and lies below rsp */
	bool is_lea;            /* names an address without touching it */
};

/* The instruction at `code`, which runs at `address`; false when there is none, or not all. */
bool insn_decode(const uint8_t *code, size_t bytes, uint64_t address, struct insn *ret);

/* Whether it is what compilers and assemblers fill gaps with: a nop, or int3. */
bool insn_is_padding(const struct insn *in, const uint8_t *code);

/* Whether what follows in memory may run next; a call is expected to return. */
bool insn_falls_through(const struct insn *in);

/* Whether `target` is where the instruction may go on, rather than an operand. */
bool insn_has_target(const struct insn *in);

#endif
