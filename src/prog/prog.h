/* SPDX-License-Identifier: MIT */
/*
 * The probe program: a small typed linear form that says what to do with one event's record.
 *
 * Each instruction makes at most one value, named by the instruction's own index; operands name
 * earlier instructions. Control only ever goes forward, by skips; the value of an instruction that
 * was skipped is 0, so that no merge is needed. The bytes of the form are the same in memory and
 * on a wire. prog_check() decides whether a program may run at all; prog_run() is the reference
 * every back end is compared with. README.md numbers the invariants.
 */
#ifndef CAIRN_PROG_PROG_H
#define CAIRN_PROG_PROG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROG_INSNS_MAX = 256,
	PROG_POOL_BYTES_MAX = 4096,
	PROG_RECORD_BYTES_MAX = 4096, /* a place beyond it cannot be named */
	PROG_TEXT_BYTES_MAX = 255,    /* of a longer text, the first bytes are looked at */
	PROG_PATTERN_BYTES_MAX = 63,
};

enum prog_op {
	/* Numbers: 64 bits; whether they are signed is said by what uses them. */
	PROG_CONST,  /* value */
	PROG_LOAD,   /* the `bytes` (1, 2, 4, 8) at `at` of the record, zero-extended */
	PROG_LOAD_S, /* the same, sign-extended */
	PROG_TID,    /* the thread that runs */
	PROG_ADD,    /* a, b; wraps, as the next ones do */
	PROG_SUB,
	PROG_MUL,
	PROG_AND,
	PROG_OR,
	PROG_XOR,
	PROG_SHL, /* by b modulo 64 */
	PROG_SHR,
	PROG_SHR_S,
	PROG_NEG,
	PROG_EQ, /* a, b; 1 or 0 */
	PROG_NE,
	PROG_LT,
	PROG_LE,
	PROG_LT_S,
	PROG_LE_S,
	PROG_NOT, /* 1 if a is 0, else 0 */
	/* Texts: places in the record, read where they are used; they end at the first NUL. */
	PROG_TEXT,       /* the `bytes` characters at `at` */
	PROG_TEXT_LOC,   /* where the word at `at` says: offset in the low half, length above */
	PROG_TEXT_REL,   /* the same, the offset counted from the word's end */
	PROG_TEXT_EQ,    /* a is the pool's `bytes` at `at`; 1 or 0 */
	PROG_TEXT_MATCH, /* a matches the pool's pattern: '*' any characters, '?' any one */
	/* Control. */
	PROG_SKIP_IF,     /* a is not 0: go on at instruction `at` */
	PROG_SKIP_UNLESS, /* a is 0: the same */
	PROG_RESULT,      /* the end: a not 0 records the event; last instruction, only there */
	PROG_OPS
};

enum prog_type {
	PROG_NONE,
	PROG_NUMBER,
	PROG_PLACE, /* of a text */
};

struct prog_insn {
	uint8_t op;
	uint8_t zero[3];
	uint16_t a;
	uint16_t b;
	union {
		int64_t value;
		struct {
			uint32_t at;
			uint32_t bytes;
		};
	};
};

_Static_assert(sizeof(struct prog_insn) == 16, "the program's bytes are an ABI");

struct prog {
	const struct prog_insn *insns;
	uint32_t insn_count;
	uint32_t pool_bytes;
	const uint8_t *pool; /* literals and patterns, without NULs */
};

/* What an operation takes and makes; the checker and the back ends read the same table. */
struct prog_shape {
	uint8_t makes; /* enum prog_type */
	uint8_t a;     /* of the operands, PROG_NONE where there is none */
	uint8_t b;
};

extern const struct prog_shape prog_shapes[PROG_OPS];

/* What a program runs on. */
struct prog_input {
	const void *record;
	size_t record_bytes; /* what lies beyond reads as 0, texts there as empty */
	uint32_t tid;
};

/*
 * Whether the program keeps the form's rules, so that running or compiling it is safe. When not,
 * `*bad_ret` (unless NULL) is the instruction that breaks one.
 */
bool prog_check(const struct prog *p, uint32_t *bad_ret);

/*
 * The result of a checked program. `values` is room for one number an instruction. Time is bounded
 * by the program's length and its patterns' lengths.
 */
uint64_t prog_run(const struct prog *p, const struct prog_input *input, uint64_t *values);

/* '*' and '?' as in a shell, everything else literally; the text is `text_bytes` long. */
bool prog_glob(const uint8_t *pattern, size_t pattern_bytes, const uint8_t *text,
	       size_t text_bytes);

#endif
